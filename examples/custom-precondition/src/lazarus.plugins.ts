/** What the daemon loads by `plugins` of its settings, and the commands by `--plugins`. */
import type { Precondition } from '@lazarus/core';
import { businessHours } from './business-hours.ts';

export const preconditions: readonly Precondition[] = [businessHours];
