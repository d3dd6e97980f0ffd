import type { ListShardsCommandOutput } from '@aws-sdk/client-kinesis';

import type { OpenKinesis } from '../kinesis-client.ts';
import type { ListedShard } from './shard-plan.ts';

/** Reads all pages of the shard list. A failed page fails the whole: half a list would look like merged shards. */
export async function listShards(
  kinesis: OpenKinesis,
  streamName: string,
  signal: AbortSignal,
): Promise<readonly ListedShard[]> {
  const shards: ListedShard[] = [];
  let token: string | undefined;
  do {
    const input = token === undefined ? { StreamName: streamName } : { NextToken: token };
    const command = new kinesis.sdk.ListShardsCommand(input);
    const page: ListShardsCommandOutput = await kinesis.client.send(command, { abortSignal: signal });
    for (const shard of page.Shards ?? []) {
      shards.push({
        shardId: shard.ShardId ?? '',
        parents: [shard.ParentShardId, shard.AdjacentParentShardId].filter((id) => id !== undefined),
        isOpen: shard.SequenceNumberRange?.EndingSequenceNumber === undefined,
      });
    }
    token = page.NextToken;
  } while (token !== undefined);
  return shards;
}

/**
 * Name of one life of a stream. A stream that was deleted and created again has other sequence numbers, so its
 * checkpoints must not be mixed up.
 */
export async function identifyStream(
  kinesis: OpenKinesis,
  streamName: string,
  signal: AbortSignal,
): Promise<string> {
  const command = new kinesis.sdk.DescribeStreamSummaryCommand({ StreamName: streamName });
  const { StreamDescriptionSummary: summary } = await kinesis.client.send(command, { abortSignal: signal });
  const createdAtMs = summary?.StreamCreationTimestamp?.getTime() ?? 0;
  return `${summary?.StreamARN ?? streamName}@${createdAtMs}`;
}
