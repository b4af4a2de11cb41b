/*
 * What an authority fetches to see that who asks for a certificate answers at its name: challenges over HTTP (RFC 8555 section 8.3). Plain HTTP, and only
 * while an order is under way.
 */

import { fastify } from 'fastify';
import { VaultError } from '../../errors.ts';
import type { Listen } from '../config/site-config.ts';

export interface AcmeAnswers extends AsyncDisposable {
  /** The one that was asked for, or with 0 the one that was free. */
  readonly port: number;
  answer(token: string, text: string): void;
}

/** Listens when it resolves. `listen-failed`. */
export async function openAcmeAnswers({ host, port }: Listen): Promise<AcmeAnswers> {
  const answers = new Map<string, string>();
  const app = fastify({ logger: false, forceCloseConnections: true, routerOptions: { maxParamLength: 256 } });
  app.get<{ Params: { token: string } }>('/.well-known/acme-challenge/:token', (request, reply) => {
    const text = answers.get(request.params.token);
    void reply.code(text === undefined ? 404 : 200).header('content-type', 'application/octet-stream');
    return reply.send(text ?? '');
  });
  try {
    await app.listen({ host, port });
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new VaultError('listen-failed', { context: { host, port, reason }, cause: error });
  }
  const address = app.server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    answer: (token, text) => void answers.set(token, text),
    [Symbol.asyncDispose]: () => app.close(),
  };
}
