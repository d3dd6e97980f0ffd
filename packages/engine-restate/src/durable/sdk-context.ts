import type { Json } from '@lazarus/core/ports';
import type { RestatePromise, WorkflowContext } from '@restatedev/restate-sdk';
import type { Sdk } from '../endpoint/load-sdk.ts';
import type { Durable, DurableContext, First } from './durable-context.ts';

interface SdkDurable extends Durable {
  /** What is waited for; replaced when the run was canceled during the wait. */
  promise: RestatePromise<{ readonly durable: Durable; readonly value: Json }>;
  renew(): void;
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

  async first(durables: readonly Durable[]): Promise<First> {
    const promises = durables.map((each) => (each as SdkDurable).promise);
    const [only] = promises;
    try {
      // Most waits are for one thing, and a race is dear.
      if (only !== undefined && promises.length === 1) return await only;
      return await this.#sdk.RestatePromise.race(promises);
    } catch (error) {
      if (!(error instanceof this.#sdk.CancelledError)) throw error;
      // A promise of the SDK that was waited for when the run was canceled says so for ever.
      for (const each of durables) (each as SdkDurable).renew();
      return 'canceled';
    }
  }
}

/** A value that never came, or that somebody rejected, counts as null. */
function wrap(name: string, inner: RestatePromise<unknown>): SdkDurable {
  const outer = (): SdkDurable['promise'] =>
    inner.map((value) => ({ durable, value: (value ?? null) as Json }));
  const durable: SdkDurable = {
    name,
    promise: outer(),
    renew: () => {
      durable.promise = outer();
    },
  };
  return durable;
}
