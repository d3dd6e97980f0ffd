import type { DescribeInstancesCommandOutput, Filter } from '@aws-sdk/client-ec2';

import type { AwsConnection } from './aws-connection.ts';
import type { OwnedInstance } from './inventory.ts';
import { classifyFailure } from './provider-failure.ts';

const PAGE_SIZE = 200;
/** Most pages that one listing reads. */
const MAX_PAGES = 100;

/** A listing, which may have ended early. */
export interface InstanceListing {
  readonly instances: readonly OwnedInstance[];
  /** False when a page is missing. Keeps S8. */
  readonly complete: boolean;
}

function toOwned(page: DescribeInstancesCommandOutput): readonly OwnedInstance[] {
  return (page.Reservations ?? []).flatMap(({ OwnerId, Instances }) =>
    (Instances ?? []).map((instance) => ({ instance, account: OwnerId ?? '' })),
  );
}

/**
 * Lists instances, page by page. A page that fails after the first one leaves the list partial, and it says so; when the
 * first one fails there is nothing to tell.
 */
export async function listInstances(
  aws: AwsConnection,
  filters: readonly Filter[],
  signal: AbortSignal | undefined,
  pageSize = PAGE_SIZE,
): Promise<InstanceListing> {
  const instances: OwnedInstance[] = [];
  let token: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const from = token;
    try {
      const page = await aws.ec2(signal, ({ sdk, client, abortSignal }) =>
        client.send(
          new sdk.DescribeInstancesCommand({
            Filters: [...filters],
            MaxResults: pageSize,
            ...(from && { NextToken: from }),
          }),
          { abortSignal },
        ),
      );
      instances.push(...toOwned(page));
      token = page.NextToken;
      if (token === undefined || token === '') return { instances, complete: true };
    } catch (error) {
      if (pages === 0 || signal?.aborted === true) throw error;
      break;
    }
  }
  return { instances, complete: false };
}

/** Reads one instance; `undefined` when the provider does not know it (yet). */
export async function readInstance(
  aws: AwsConnection,
  hostId: string,
  signal: AbortSignal | undefined,
): Promise<OwnedInstance | undefined> {
  try {
    const page = await aws.ec2(signal, ({ sdk, client, abortSignal }) =>
      client.send(new sdk.DescribeInstancesCommand({ InstanceIds: [hostId] }), { abortSignal }),
    );
    return toOwned(page)[0];
  } catch (error) {
    if (classifyFailure(error) === 'not_found') return undefined;
    throw error;
  }
}
