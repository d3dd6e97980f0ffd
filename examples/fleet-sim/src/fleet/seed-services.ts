import { zonesOf } from '../options.ts';
import type { ResolvedRegionOptions } from '../options.ts';
import { addService, serviceTags } from '../state/region-state.ts';
import type { RegionState } from '../state/region-state.ts';
import type { Fleet, LaunchSpec } from './fleet.ts';
import { fixedId } from './ids.ts';

/** Gives each service that the state does not know its target group, template and hosts, spread over the zones. */
export function seedNewServices(options: ResolvedRegionOptions, state: RegionState, fleet: Fleet): void {
  const zones = zonesOf(options);
  for (const { name, hosts, port } of options.services) {
    const known = state.targetGroups.find((group) => group.name === name);
    if (known !== undefined) {
      if (port !== 0) known.listenPort = port;
      continue;
    }
    addService(state, options, name, port);
    const group = state.targetGroups.at(-1);
    for (let number = 1; number <= hosts; number += 1) {
      const zone = zones[(number - 1) % zones.length] ?? options.region;
      const launched = fleet.launch(firstHost(state, options, name, `${name}-${number}`, zone));
      group?.targets.push(
        ...launched.map(({ instanceId }) => ({ instanceId, port: group.port, drainingUntilMs: undefined })),
      );
    }
  }
}

function firstHost(
  state: RegionState,
  options: ResolvedRegionOptions,
  service: string,
  name: string,
  zone: string,
): LaunchSpec {
  const template = state.launchTemplates.find((each) => each.name === service);
  if (template === undefined) throw new Error(`service ${service} has no launch template`);
  return {
    count: 1,
    bootMs: 0,
    clientToken: undefined,
    imageId: template.imageId,
    instanceType: template.instanceType,
    zone,
    subnetId: fixedId('subnet', zone),
    securityGroupIds: template.securityGroupIds,
    keyName: undefined,
    userData: template.userData,
    profileArn: template.profileArn,
    stuckPending: false,
    ailment: undefined,
    tags: {
      Name: name,
      ...serviceTags(service, options.environment),
      'aws:ec2launchtemplate:id': template.id,
      'aws:ec2launchtemplate:version': '1',
    },
  };
}
