/**
 * Going on with answers that may be there already: a store in memory answers at once, and then nothing is waited for. What
 * answers later is waited for, in the same way as with `await`.
 */
import type { Answer } from '../ports/answer.ts';

/** Goes on with an answer, at once when it is there. */
export function whenAnswered<T, R>(answer: Answer<T>, then: (value: T) => Answer<R>): Answer<R> {
  return isLater(answer) ? Promise.resolve(answer).then(then) : then(answer);
}

/** Asks, and goes on with the error when that fails, now or later. */
export function orElse<T>(ask: () => Answer<T>, otherwise: (error: unknown) => Answer<T>): Answer<T> {
  try {
    const answer = ask();
    return isLater(answer) ? Promise.resolve(answer).catch(otherwise) : answer;
  } catch (error) {
    return otherwise(error);
  }
}

/** Whether an answer has to be waited for; also the promise of another library. */
export function isLater<T>(answer: Answer<T>): answer is Promise<T> {
  return answer instanceof Promise || (typeof answer === 'object' && answer !== null && 'then' in answer);
}
