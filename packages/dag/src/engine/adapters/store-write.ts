/** A write with its JSON parts as text. */
export type StoreWrite =
  | {
      readonly kind: 'create';
      readonly id: string;
      readonly workflow: string;
      readonly service: string;
      readonly host: string | null;
      readonly digest: string;
      readonly definition: string;
      readonly request: string;
      readonly epoch: number;
      readonly owner: string;
      readonly startedAtMs: number;
      readonly deadlineAtMs: number;
      readonly answerByMs: number | null;
    }
  | {
      readonly kind: 'append';
      readonly id: string;
      readonly owner: string;
      readonly epoch: number;
      readonly from: number;
      /** Number of lines in `body`. */
      readonly count: number;
      readonly body: string;
    }
  | {
      readonly kind: 'finish';
      readonly id: string;
      readonly owner: string;
      readonly epoch: number;
      readonly status: string;
      readonly endedAtMs: number;
      readonly view: string;
    }
  | { readonly kind: 'accept'; readonly id: string; readonly owner: string; readonly epoch: number }
  | { readonly kind: 'signal'; readonly id: string; readonly name: string; readonly payload: string };
