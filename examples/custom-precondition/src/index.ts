/** Prints what the precondition is: the same data that the loader, the docs and the console read. */
import { z } from 'zod';
import { businessHours } from './business-hours.ts';

const { name, summary, params, timeoutMs } = businessHours;
console.log({ name, summary, timeoutMs, params: z.toJSONSchema(params, { io: 'input' }).properties });
