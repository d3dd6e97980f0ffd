/** Lazarus inside another program: pass a fleet, a pager and a handler, get decisions. Needs no network. */
import { createLazarus } from '@lazarus/core';
import { fleet, pager, probe } from './stand-ins.ts';

const text = '{ service: web, team: storefront, profile: stateless, overrides: { hold_down: 0s } }';
const lazarus = createLazarus(
  { region: 'us-east-1', config: [{ kind: 'service', path: 'services/web.yaml', text }] },
  { fleet, pager, probe, handler: async (run) => console.log(`handler: replacing ${String(run.hostId)}`) },
);

lazarus.onDecision(({ host, decision, gates }) => {
  console.log(`${host ?? 'service'}: ${decision.kind} after ${gates.length} gates`, decision);
});
lazarus.onRun((run) => {
  console.log(`run: ${run.status}, page ${run.page ?? ''}`);
  void lazarus.close();
});

await lazarus.handle({
  id: 'nagios-4711',
  event_type: 'NagiosHostAlarm',
  source: 'nagios',
  time: new Date().toISOString(),
  region: 'us-east-1',
  environment: 'prod',
  service: 'web',
  host: 'web-1',
  incident_key: 'web/web-1',
  attributes: { host_state: 'DOWN', host_state_type: 'HARD' },
});
