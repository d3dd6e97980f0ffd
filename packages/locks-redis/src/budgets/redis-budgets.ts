import { randomUUID } from 'node:crypto';
import { describeError, PortError } from '@lazarus/core';
import { parseOptions } from '@lazarus/core/errors';
import { BudgetOptions } from '@lazarus/core/gates';
import type { AgedReservation } from '@lazarus/core/memory';
import type { BudgetAnswer, BudgetCharge, Budgets, Clock, Logger } from '@lazarus/core/ports';
import type { z } from 'zod';
import type { RedisConnection, ScriptReply } from '../connection/connect-redis.ts';
import { createKnowledge } from '../connection/knowledge.ts';
import { MARK_KNOWN } from '../connection/mark-known-script.ts';
import { ADD_RESERVATIONS, ALSO_IN, HOLDS, IN_FLIGHT, RESERVE, SETTLE, UNDO } from './budget-scripts.ts';
import { createPendingCalls } from './pending-calls.ts';

/** Budgets that several processes share. */
export interface RedisBudgets extends Budgets {
  /**
   * Adds what this node's durable records know, and says that the store now knows it. Adding twice changes nothing. An
   * empty history is an answer, too. Keeps S6.
   *
   * @throws PortError `LZ_BUDGET_UNAVAILABLE`.
   */
  hydrate(history: readonly AgedReservation[]): Promise<void>;
  /** Everything in flight, of all nodes. @throws PortError `LZ_BUDGET_UNAVAILABLE`. */
  inFlight(): Promise<readonly BudgetCharge[]>;
  /** Ends what runs in the background; settlements that Redis has not taken yet are lost to the store, not to the records. */
  close(): Promise<void>;
}

const CODE = 'LZ_BUDGET_UNAVAILABLE';
const RESERVATIONS_PER_CALL = 100;

/**
 * Creates the blast-radius budget over a connection to Redis. After every epoch it is unreadable, which means nothing left,
 * until the grace is over and a node has added its history.
 *
 * @throws ConfigurationError `LZ_OPTION_INVALID`.
 */
export function createRedisBudgets(
  options: z.input<typeof BudgetOptions> & {
    readonly redis: RedisConnection;
    readonly clock: Clock;
    readonly log?: Logger;
    /** What this node's durable records know was reserved; asked for at every new epoch. */
    readonly history?: () => Promise<readonly AgedReservation[]>;
  },
): RedisBudgets {
  const { redis, clock, log, history, ...rest } = options;
  const bounds = JSON.stringify(parseOptions('createRedisBudgets', BudgetOptions, rest));
  const keys = [`{${redis.prefix}}:budget`];
  const knowledge = createKnowledge({ redis, clock, log, what: 'budgets', history, add: hydrate });
  const pending = createPendingCalls({ redis, clock, log });

  const ask = async (charge: BudgetCharge, call: string): Promise<BudgetAnswer> => {
    const reply = await redis
      .run(RESERVE, {
        code: CODE,
        keys,
        args: [charge.decisionId, JSON.stringify(charge), bounds, call],
        confirm: call === '' ? undefined : ([word]) => word === 'granted',
      })
      .catch((error: unknown) => {
        // It may have been reserved although the answer was lost; the undo knows this very call.
        if (call !== '') giveBack(charge.decisionId, call);
        throw error;
      });
    return answerOf(reply);
  };
  const giveBack = (decisionId: string, call: string): void => {
    pending.add(() => redis.run(UNDO, { code: CODE, keys, args: [decisionId, call] }));
  };
  const settleOnce = async (decisionId: string, effects: boolean): Promise<void> => {
    const reply = await redis.run(SETTLE, { code: CODE, keys, args: [decisionId, effects ? 1 : 0] });
    if (reply[0] === 'unknown') throw notKnown(Number(reply[2]));
  };

  async function hydrate(past: readonly AgedReservation[]): Promise<void> {
    for (let from = 0; from < past.length; from += RESERVATIONS_PER_CALL) {
      const args = past
        .slice(from, from + RESERVATIONS_PER_CALL)
        .flatMap(({ charge, settledAgeMs }) => [
          charge.decisionId,
          JSON.stringify(charge),
          settledAgeMs === undefined ? -1 : Math.max(0, Math.round(settledAgeMs)),
        ]);
      await redis.run(ADD_RESERVATIONS, { code: CODE, keys, args });
    }
    await redis.run(MARK_KNOWN, { code: CODE, keys: [], args: ['budgets'] });
  }

  return {
    hydrate,
    reserve: (charge) => ask(charge, randomUUID()),
    peek: (charge) => ask(charge, ''),
    holds: async (decisionId) => {
      const reply = await redis.run(HOLDS, { code: CODE, keys, args: [decisionId] });
      return reply[0] === 'held';
    },
    alsoIn: async (decisionId, zone) => {
      const reply = await redis.run(ALSO_IN, { code: CODE, keys, args: [decisionId, zone] });
      if (reply[0] === 'unknown') throw notKnown(Number(reply[2]));
    },
    settle: async (decisionId, { effects }) => {
      try {
        await settleOnce(decisionId, effects);
      } catch (error) {
        // Nobody asks again for a decision that is over, so it is kept until Redis takes it.
        log?.warn('a budget reservation could not be settled yet', { error: describeError(error) });
        pending.add(() => settleOnce(decisionId, effects));
      }
    },
    inFlight: async () => {
      const [, , ...texts] = await redis.run(IN_FLIGHT, { code: CODE, keys, args: [] });
      return texts.map((text) => chargeOf(JSON.parse(String(text)) as BudgetCharge));
    },
    close: async () => {
      await Promise.all([knowledge.close(), pending.close()]);
    },
  };
}

/** The reservation without what only the store needs. */
function chargeOf({ decisionId, service, zone, otherZones, account, region }: BudgetCharge): BudgetCharge {
  // An empty list comes back from Lua as an empty object.
  const others = Array.isArray(otherZones) ? { otherZones } : {};
  return { decisionId, service, zone, ...others, account, region };
}

type Refusal = Extract<BudgetAnswer, { granted: false }>;

function answerOf(reply: ScriptReply): BudgetAnswer {
  switch (reply[0]) {
    case 'granted': {
      const [, , inFlight, perHour] = reply as unknown as [string, number, number, number];
      return { granted: true, inFlight, perHour };
    }
    case 'spent': {
      const [, , scope, bound, used, max] = reply as unknown as [
        string,
        number,
        Refusal['scope'],
        Refusal['bound'],
        number,
        number,
      ];
      return { granted: false, scope, bound, used, max };
    }
    case 'unreadable':
      throw new PortError({
        code: CODE,
        message: `the reservation of decision ${String(reply[2])} cannot be read, so nothing is left; settle or remove it`,
        retryable: false,
      });
    default:
      throw notKnown(Number(reply[2]));
  }
}

function notKnown(retryAfterMs: number): PortError {
  return new PortError({
    code: CODE,
    message:
      'the budget store may have lost reservations, so nothing is left until the nodes have added what they know',
    retryable: true,
    retryAfterMs,
  });
}
