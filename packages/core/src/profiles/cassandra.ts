import { statefulProfile } from './stateful-cluster.ts';

/** The profile of Cassandra rings. */
export const CASSANDRA = statefulProfile({
  profile: 'cassandra',
  description: 'Replaces a failed node of a Cassandra ring while every other node is healthy.',
  maxActiveHosts: 100,
  minHealthyFraction: 1,
  quiet: '1h',
  workflowTimeout: '2h',
});
