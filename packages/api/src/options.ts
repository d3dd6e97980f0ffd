import { z } from 'zod';

/** A refinement of our own, because the messages of the built-in ones repeat the value. Keeps S17. */
const TokenSchema = z
  .string()
  .refine((token) => /^\S{16,512}$/.test(token), 'a token has 16 to 512 characters and no white space');

/** Options of {@link createApi}. */
export const ApiOptions = z.strictObject({
  /** Who answers: shown in the index and in `/readyz`. */
  node: z.strictObject({
    name: z.string().min(1).max(64),
    region: z.string().min(1).max(64),
    zone: z.string().min(1).max(64).optional(),
    version: z.string().min(1).max(64),
  }),
  auth: z
    .strictObject({
      /** Accepted bearer tokens; several while one is being replaced. Empty: everybody who reaches the port may ask. */
      tokens: z.array(TokenSchema).readonly().default([]),
    })
    .prefault({}),
  /** Entries of the live stream that a reader can go back to. @remarks Source: one minute of an alarm storm. */
  liveHistory: z.int().min(1).max(10_000).default(512),
  /** Tag in which the provider keeps the expiry of a host in forensics. */
  forensicsExpiryTag: z.string().min(1).max(128).default('lazarus:expires-at'),
  /** Endpoints of others on the same port, for the index page. */
  alsoServed: z
    .array(z.strictObject({ method: z.string(), path: z.string(), summary: z.string() }))
    .readonly()
    .default([]),
});
