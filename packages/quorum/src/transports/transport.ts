import type { Hello, Question } from '../ballot/messages.ts';

/** Answers questions of other nodes. `from` is the identity that the transport has proven. */
export type QuestionHandler = (
  question: unknown,
  context: { readonly from: string; readonly signal: AbortSignal },
) => Promise<unknown>;

/** An answer and who gave it. */
export interface Reply {
  /** Identity that the transport has proven. Keeps S18. */
  readonly from: string;
  /** Not examined yet. */
  readonly answer: unknown;
}

/** A question on its way. */
export interface Posted {
  /** Its answer is no longer of interest; nothing is called any more. */
  cancel(reason: unknown): void;
}

/** Carries questions and answers between nodes. It delivers, delays or loses; it never judges. */
export interface VoteTransport {
  /** Asks one member. @throws PortError `LZ_VOTE_TRANSPORT`, or the signal's reason. */
  ask(member: string, question: Question | Hello, options: { readonly signal: AbortSignal }): Promise<Reply>;
  /**
   * The same without a promise and a signal for each question: exactly one of the two is called, later, unless the question
   * is called off. Absent where it would save nothing.
   */
  post?(
    member: string,
    question: Question | Hello,
    onReply: (reply: Reply) => void,
    onFailure: (error: unknown) => void,
  ): Posted;
  /** Answers the questions that others ask this node. */
  serve(handler: QuestionHandler): void;
  close(): Promise<void>;
}
