import { z } from '@hono/zod-openapi';

/** Body of every answer that is not a success. */
export const ProblemSchema = z
  .object({
    error: z.object({
      code: z.string(),
      message: z.string(),
      issues: z
        .array(
          z.object({
            path: z.string(),
            message: z.string(),
            hint: z.string().optional(),
          }),
        )
        .optional(),
    }),
  })
  .openapi('Problem');
