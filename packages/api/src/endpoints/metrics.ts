import { z } from '@hono/zod-openapi';
import type { Endpoint } from '../endpoint.ts';

/** Something that writes itself in the text format of Prometheus. */
export interface MetricsSource {
  readonly contentType: string;
  render(): Promise<string>;
}

/** `GET /metrics`: what the node measured. */
export function metricsEndpoint(metrics: MetricsSource): Endpoint {
  return {
    method: 'get',
    path: '/metrics',
    summary: 'Metrics in the text format of Prometheus',
    answer: { mediaType: 'text/plain', description: 'Metrics', schema: z.string() },
    handle: async (context) =>
      context.body(await metrics.render(), 200, { 'Content-Type': metrics.contentType }),
  };
}
