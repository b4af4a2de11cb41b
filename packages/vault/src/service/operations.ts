/*
 * What whoever runs a site looks at: whether the process lives, whether it is ready for requests, and its metrics. Plain HTTP on an address of its own,
 * which should not be reachable from outside.
 */

import { fastify } from 'fastify';
import type { FastifyInstance } from 'fastify';
import type { Metrics } from './metrics.ts';

export interface OperationsParts {
  readonly metrics: Metrics;
  /** Resolves when the site can serve; throws otherwise. */
  readonly ready: () => Promise<void>;
}

/** Not yet listening. `/health`: the process answers. `/ready`: 200, or 503 while starting, stopping or without store or database. `/metrics`. */
export function makeOperations({ metrics, ready }: OperationsParts): FastifyInstance {
  const app = fastify({ logger: false, forceCloseConnections: true });
  app.get('/health', () => ({ status: 'ok' }));
  app.get('/ready', async (_request, reply) => {
    try {
      await ready();
      return { status: 'ready' };
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
      return reply.code(503).send({ status: 'not ready', code });
    }
  });
  app.get('/metrics', async (_request, reply) => {
    return reply.header('content-type', metrics.contentType).send(await metrics.text());
  });
  return app;
}
