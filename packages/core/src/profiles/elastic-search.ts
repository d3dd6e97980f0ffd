import { statefulProfile } from './stateful-cluster.ts';

/** The profile of Elasticsearch clusters. */
export const ELASTIC_SEARCH = statefulProfile({
  profile: 'elastic_search',
  description: 'Replaces a failed node of an Elasticsearch cluster while the others hold all copies.',
  maxActiveHosts: 60,
  minHealthyFraction: 0.9,
  quiet: '30m',
  workflowTimeout: '60m',
});
