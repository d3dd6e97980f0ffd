import type { Issue } from '@lazarus/core';
import { documentIssue } from '@lazarus/core/documents';
import type { DocumentPath, ParsedDocument } from '@lazarus/core/documents';

/** Collects issues at their places in one document. */
export class IssueList {
  readonly #document: ParsedDocument;
  readonly #issues: Issue[] = [];

  constructor(document: ParsedDocument) {
    this.#document = document;
  }

  add(path: DocumentPath, message: string, hint?: string): void {
    this.#issues.push(documentIssue(this.#document, path, message, hint));
  }

  /** In the order of the text. */
  get all(): readonly Issue[] {
    return [...this.#issues].sort(
      (left, right) => (left.line ?? 0) - (right.line ?? 0) || (left.column ?? 0) - (right.column ?? 0),
    );
  }
}
