import { EC2Client } from '@aws-sdk/client-ec2';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { createRegion } from '../src/index.ts';
import type { Region, RegionOptions, RegionView } from '../src/index.ts';

export interface TestRegion extends Region {
  readonly ec2: EC2Client;
  readonly elb: ElasticLoadBalancingV2Client;
  /** `POST /_sim/<path>`, or `GET` without a body. */
  sim(path: string, body?: unknown, method?: string): Promise<Response>;
}

/** A small quick region with the genuine clients in front of it. */
export async function testRegion(options: RegionOptions = {}): Promise<TestRegion> {
  const region = await createRegion({
    services: [{ name: 'web', hosts: 2 }],
    bootMs: 50,
    shutdownMs: 20,
    drainMs: 300,
    healthCheck: { intervalMs: 50 },
    ...options,
  });
  const config = {
    endpoint: region.endpoint,
    region: region.region,
    credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'example' },
  };
  const ec2 = new EC2Client(config);
  const elb = new ElasticLoadBalancingV2Client(config);
  return {
    ...region,
    ec2,
    elb,
    sim: (path, body, method) =>
      fetch(`${region.endpoint}/_sim/${path}`, {
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    close: async () => {
      ec2.destroy();
      elb.destroy();
      await region.close();
    },
  };
}

/** Waits until `condition` holds; tells what it waited for when it never does. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patienceMs = 10_000,
): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${patienceMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function instanceNamed(view: RegionView, name: string): RegionView['instances'][number] {
  const instance = view.instances.find((each) => each.name === name);
  if (instance === undefined) throw new Error(`no instance is named ${name}`);
  return instance;
}

/** Whether a process of this id runs; a zombie does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
