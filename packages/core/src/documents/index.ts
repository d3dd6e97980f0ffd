/** YAML documents: bounded parsing, positions, validation with messages for people. */
export { formatPath } from './document-path.ts';
export type { DocumentPath } from './document-path.ts';
export { DurationSchema, formatDuration, MAX_DURATION_MS, parseDuration } from './duration.ts';
export { parseYamlDocument, parseYamlDocuments } from './parsed-document.ts';
export type { ParsedDocument, ParseOptions, Position } from './parsed-document.ts';
export { explainSchemaIssues } from './schema-issues.ts';
export type { SchemaIssue } from './schema-issues.ts';
export { didYouMean, suggest } from './suggest.ts';
export { checkDocument, documentIssue, validateDocument } from './validate-document.ts';
export type { DocumentCheck, ValidateOptions } from './validate-document.ts';
export { MAX_DOCUMENT_BYTES, MAX_DOCUMENT_DEPTH, MAX_DOCUMENT_TOKENS } from './yaml-scan.ts';
