import type { Json } from '@lazarus/core/ports';
import type { RestatePromise, WorkflowContext } from '@restatedev/restate-sdk';
import type { Sdk } from '../endpoint/load-sdk.ts';
import type { Durable, DurableContext, First } from './durable-context.ts';

interface SdkDurable extends Durable {
  /** Never waited for itself: see {@link SdkContext.first}. */
  readonly inner: RestatePromise<unknown>;
}

/** The context that the SDK hands to the handler of a workflow. */
export class SdkContext implements DurableContext {
  readonly ended: AbortSignal;
  readonly #sdk: Sdk;
  readonly #context: WorkflowContext;

  constructor(sdk: Sdk, context: WorkflowContext) {
    this.#sdk = sdk;
    this.#context = context;
    this.ended = context.request().attemptCompletedSignal;
  }

  run(name: string, body: () => Promise<Json>): Durable {
    return wrap(name, this.#context.run(name, body));
  }

  sleep(name: string, ms: number): Durable {
    return wrap(name, this.#context.sleep(ms, name));
  }

  promise(name: string): Durable {
    return wrap(name, this.#context.promise<Json>(name).get());
  }

  peek(name: string): Durable {
    return wrap(name, this.#context.promise<Json>(name).peek() as RestatePromise<unknown>);
  }

  /**
   * A promise of the SDK that was waited for when the run was canceled says so for ever, to everybody who waits for it
   * again: so each wait has promises of its own, and a cancel is told once.
   */
  async first(durables: readonly Durable[]): Promise<First> {
    const promises = (durables as readonly SdkDurable[]).map(waitFor);
    const [only] = promises;
    try {
      // Most waits are for one thing, and a race is dear.
      if (only !== undefined && promises.length === 1) return await only;
      return await this.#sdk.RestatePromise.race(promises);
    } catch (error) {
      if (error instanceof this.#sdk.CancelledError) return 'canceled';
      throw error;
    }
  }
}

const wrap = (name: string, inner: RestatePromise<unknown>): SdkDurable => ({ name, inner });

/** A value that never came, or that somebody rejected, counts as null. */
function waitFor(durable: SdkDurable) {
  return durable.inner.map((value) => ({ durable, value: (value ?? null) as Json }));
}
