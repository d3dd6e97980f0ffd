/** What `lazarus test --plugins` and `lazarus validate --plugins` load. */
import { notDuringSale } from './not-during-sale.ts';
import { definePurgeCache, noCdn } from './purge-cache.ts';

export const actions = [definePurgeCache(noCdn)];
export const preconditions = [notDuringSale];
