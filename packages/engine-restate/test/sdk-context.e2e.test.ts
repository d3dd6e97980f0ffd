import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Json } from '@lazarus/core/ports';
import * as sdk from '@restatedev/restate-sdk';
import type { WorkflowContext } from '@restatedev/restate-sdk';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startRestate, whyNoRestate, withRestate } from '../../../tools/restate-server.ts';
import { SdkContext } from '../src/durable/sdk-context.ts';
import { registerService } from '../src/server/register-service.ts';
import { RestateServers } from '../src/server/restate-servers.ts';
import { clock, until } from './support/desk.ts';

const SERVICE = 'Waiting';

describe.skipIf(whyNoRestate() !== undefined)(withRestate('a run that is canceled while it waits'), () => {
  it('is told each time, and what it waits for comes all the same', async () => {
    let isWaiting = false;
    let happen: () => void = () => undefined;
    const happened = new Promise<void>((resolve) => {
      happen = resolve;
    });
    const told: Json[] = [];
    const run = async (context: WorkflowContext): Promise<void> => {
      const durables = new SdkContext(sdk, context);
      const durable = durables.run('slow', async () => {
        isWaiting = true;
        await happened;
        return 'the value';
      });
      const never = durables.promise('never');
      for (let turn = 0; turn < 3; turn += 1) {
        // Alone, then with another one, then alone again: a cancel spoils neither.
        const first = await durables.first(turn === 1 ? [never, durable] : [durable]);
        told.push(first === 'canceled' ? first : first.value);
      }
    };
    const { servers, submit } = await serve(run);
    await submit();
    await until(() => isWaiting);
    for (const times of [1, 2]) {
      const [row] = await servers.query(
        `SELECT id FROM sys_invocation WHERE target_service_name = '${SERVICE}'`,
      );
      await servers.ask({
        to: 'admin',
        path: `/invocations/${String(row?.['id'])}/cancel`,
        method: 'PATCH',
      });
      await until(() => told.length >= times);
    }
    // Longer than a wait that is answered without anything having happened.
    await clock.sleep(100);
    expect(told).toEqual(['canceled', 'canceled']);
    happen();
    await until(() => told.length === 3);
    expect(told).toEqual(['canceled', 'canceled', 'the value']);
  }, 60_000);
});

/** A workflow of one handler on a server of its own. */
async function serve(run: (context: WorkflowContext) => Promise<void>) {
  const server = await startRestate();
  onTestFinished(() => server.stop());
  const endpoint = createServer(
    sdk.createEndpointHandler({
      services: [sdk.workflow({ name: SERVICE, handlers: { run } })],
      logger: () => undefined,
    }),
  );
  await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void endpoint.close());
  const { ingressUrl, adminUrl } = server;
  const servers = new RestateServers([{ ingressUrl, adminUrl }], clock, 5_000);
  const { signal } = new AbortController();
  const uri = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}`;
  await registerService(servers, { service: SERVICE, uri, clock, registerMs: 10_000, signal });
  return {
    servers,
    submit: () => servers.ask({ to: 'ingress', path: `/${SERVICE}/one/run/send`, method: 'POST' }),
  };
}
