export { http1Handler, type KinesisConnection } from './kinesis-client.ts';
export { createKinesisSensor, type KinesisSensor, type KinesisSensorPorts } from './kinesis-sensor.ts';
export { createKinesisStream, type KinesisStream } from './kinesis-stream.ts';
export type { Checkpoint, LeaseChange, LeaseStore, ShardLease } from './leases/lease.ts';
export { createMemoryLeaseStore } from './leases/memory-lease-store.ts';
export { createRedisLeaseStore, RedisLeaseStoreOptions } from './leases/redis-lease-store.ts';
export { createSqliteLeaseStore } from './leases/sqlite-lease-store.ts';
export {
  KinesisSensorOptions,
  type KinesisSensorOptionsInput,
  KinesisStreamOptions,
  type KinesisStreamOptionsInput,
} from './options.ts';
export type { DeadLetter } from './shards/shard-delivery.ts';
export type { ShardStatus } from './shards/shard-session.ts';
