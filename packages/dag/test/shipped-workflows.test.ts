import { checkRunbook, runRunbook } from '@lazarus/testing/lab';
import { describe, expect, it } from 'vitest';
import {
  builtinActions,
  checkMakeBeforeBreak,
  createActionRegistry,
  loadShippedWorkflows,
} from '../src/index.ts';

const workflows = loadShippedWorkflows(createActionRegistry(builtinActions));
const inputsOf: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'default.scale_service': { hosts: 3 },
};
const named = (name: string) => {
  const found = workflows.find((workflow) => workflow.name === `default.${name}`);
  if (found === undefined) throw new Error(`no workflow default.${name}`);
  return found;
};

describe('shipped workflows', () => {
  it('are these 8', () => {
    expect(workflows.map(({ name }) => name)).toEqual([
      'default.cassandra_replace_node',
      'default.drain_and_reboot_for_scheduled_event',
      'default.elasticsearch_replace_node',
      'default.notify_only',
      'default.replace_host',
      'default.replace_host_with_standby_promotion',
      'default.restart_service',
      'default.scale_service',
    ]);
  });

  it.each(workflows.map((workflow) => [workflow.name, workflow] as const))(
    '%s makes before it breaks, in its graph',
    (_name, workflow) => {
      expect(checkMakeBeforeBreak(workflow)).toEqual([]);
    },
  );

  it.each(workflows.map((workflow) => [workflow.name, workflow] as const))(
    '%s keeps every invariant under a refusal, a hang and a crash at each of its steps',
    async (name, workflow) => {
      const status = name === 'default.drain_and_reboot_for_scheduled_event' ? 'unused' : 'healthy';
      const report = await checkRunbook(workflow, {
        inputs: inputsOf[name] ?? {},
        actions: { 'lb.status': { output: { status, in_service: status === 'healthy' } } },
      });
      expect(report.violations.map(({ scenario, message, trace }) => [scenario, message, ...trace])).toEqual(
        [],
      );
      expect(report.scenarios).toBeGreaterThan(5);
    },
  );
});

describe('default.replace_host in the lab', () => {
  it('leaves the failed host out, terminates the replacement and escalates when it never becomes healthy', async () => {
    const { run, callsOf, tookMs } = await runRunbook(named('replace_host'), {
      unmocked: 'happy',
      actions: { verify: { output: { ok: false, status: 'unhealthy', consecutive: 0, detail: '503' } } },
    });
    expect(run).toMatchObject({
      status: 'failed',
      page: 'escalated',
      error: { step: 'verify', code: 'LZ_WORKFLOW_STEP_TIMEOUT' },
    });
    expect(callsOf('host.terminate').map(({ input }) => input)).toEqual([{ host: 'i-new' }]);
    expect(callsOf('lb.add')).toEqual([]);
    expect(callsOf('host.set_state')).toEqual([]);
    expect(tookMs).toBe(300_000);
  });

  it('keeps a replacement that is in service when forensics fails, and escalates', async () => {
    const { run, callsOf } = await runRunbook(named('replace_host'), {
      unmocked: 'happy',
      actions: { forensics: { error: { message: 'no rights' } } },
    });
    expect(run).toMatchObject({ status: 'failed', page: 'escalated', error: { step: 'forensics' } });
    expect(callsOf('host.terminate')).toEqual([]);
  });
});

describe('default.replace_host_with_standby_promotion in the lab', () => {
  it('promotes the standby before it launches a new one from it', async () => {
    const { run, calls } = await runRunbook(named('replace_host_with_standby_promotion'), {
      unmocked: 'happy',
    });
    expect(run.outputs).toEqual({ primary: 'i-standby', standby: 'i-new' });
    const changes = calls.filter(({ readOnly }) => !readOnly).map(({ step }) => step);
    expect(changes).toEqual([
      'acknowledge',
      'out_of_lb',
      'promote',
      'clone',
      'into_lb',
      'forensics',
      'resolve',
      'finally.notify',
    ]);
  });

  it('touches nothing when the standby is not healthy', async () => {
    const { run, calls } = await runRunbook(named('replace_host_with_standby_promotion'), {
      unmocked: 'happy',
      actions: {
        standby_healthy: { output: { ok: false, status: 'unreachable', consecutive: 0, detail: '' } },
      },
    });
    expect(run).toMatchObject({ status: 'failed', page: 'escalated' });
    expect(calls.filter(({ destructive }) => destructive)).toEqual([]);
  });
});

describe('default.drain_and_reboot_for_scheduled_event in the lab', () => {
  const unused = { out_of_service: { output: { status: 'unused', in_service: false } } };

  it('waits 60 s for requests in flight before it reboots', async () => {
    const { run, callsOf } = await runRunbook(named('drain_and_reboot_for_scheduled_event'), {
      unmocked: 'happy',
      actions: unused,
    });
    expect(run.status).toBe('succeeded');
    expect((callsOf('reboot')[0]?.atMs ?? 0) - (callsOf('out_of_lb')[0]?.atMs ?? 0)).toBe(60_000);
  });

  it('puts the host back when the load balancer does not let go of it', async () => {
    const { run, callsOf } = await runRunbook(named('drain_and_reboot_for_scheduled_event'), {
      unmocked: 'happy',
      actions: { 'lb.status': { output: { status: 'draining', in_service: false } } },
    });
    expect(run.status).toBe('failed');
    expect(callsOf('host.reboot')).toEqual([]);
    expect(callsOf('lb.add').map(({ step }) => step)).toEqual(['compensate.out_of_lb']);
  });
});

describe('default.scale_service in the lab', () => {
  it('brings the old number back when the hosts do not come', async () => {
    const { run, callsOf } = await runRunbook(named('scale_service'), {
      unmocked: 'happy',
      inputs: { hosts: 3 },
      actions: { 'service.active_hosts': { output: { hosts: 2 } } },
    });
    expect(run.status).toBe('failed');
    expect(callsOf('service.set_hosts').map(({ input }) => input)).toEqual([
      { service: 'web', hosts: 3 },
      { service: 'web', hosts: 2 },
    ]);
  });
});
