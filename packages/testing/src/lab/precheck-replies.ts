import type { Precondition, PreconditionContext, Snapshot, Verdict } from '@lazarus/core';

/**
 * What a precheck says on one node. `timeout` hangs until the check's own timeout, `error` throws; `run` asks the real
 * check.
 */
export type CheckReply =
  | 'pass'
  | 'fail'
  | 'timeout'
  | 'error'
  | 'run'
  | { readonly fail: string }
  | ((context: PreconditionContext, node: string) => Verdict | Promise<Verdict>);

/** The same on every node, or by the name of the node; a node that is not named asks the real check. */
export type PrecheckReply = CheckReply | { readonly nodes: Readonly<Record<string, CheckReply>> };

/** Replies by the name of the precondition, or an alias. */
export type PrecheckReplies = ReadonlyMap<string, PrecheckReply>;

/** The configuration as one node votes on it: the same digest, and prechecks that say what the test wants. */
export function withReplies(snapshot: Snapshot, node: string, replies: PrecheckReplies): Snapshot {
  if (replies.size === 0) return snapshot;
  return {
    ...snapshot,
    rule: (name, event) => {
      const rule = snapshot.rule(name, event);
      if (rule === undefined) return undefined;
      const prechecks = rule.prechecks.map((bound) => {
        const reply = replyFor(bound.definition, node, replies);
        return reply === undefined
          ? bound
          : { ...bound, definition: replying(bound.definition, node, reply) };
      });
      return { ...rule, prechecks };
    },
  };
}

function replyFor(
  { name, aliases }: Precondition,
  node: string,
  replies: PrecheckReplies,
): Exclude<CheckReply, 'run'> | undefined {
  const key = [name, ...aliases].find((each) => replies.has(each));
  const reply = key === undefined ? undefined : replies.get(key);
  const own = typeof reply === 'object' && 'nodes' in reply ? reply.nodes[node] : reply;
  return own === 'run' ? undefined : own;
}

function replying(definition: Precondition, node: string, reply: Exclude<CheckReply, 'run'>): Precondition {
  return {
    ...definition,
    check: async (context) => {
      if (typeof reply === 'function') return reply(context, node);
      if (reply === 'timeout') return new Promise<never>(() => undefined);
      if (reply === 'error') throw new Error(`the test lets ${definition.name} fail on ${node}`);
      // S2: what a check demands of the whole ballot is demanded all the same, whoever answers for it.
      const evidence = { ...(await demandOf(definition, context)), set_by: 'test' };
      if (reply === 'pass') return { verdict: 'pass', evidence };
      const reason = reply === 'fail' ? `the test says that it fails on ${node}` : reply.fail;
      return { verdict: 'fail', reason, evidence };
    },
  };
}

/** The own-zone rule and its like travel in the evidence of the real check. */
async function demandOf(definition: Precondition, context: PreconditionContext): Promise<object> {
  if (definition.usesProbe !== true) return {};
  const probe: PreconditionContext['probe'] = async () => ({
    status: 'unreachable',
    latencyMs: 0,
    detail: 'not asked',
  });
  const { evidence } = await definition.check({ ...context, probe });
  return evidence?.['requires'] === undefined ? {} : { requires: evidence['requires'] };
}
