/*
 * Whom a connection trusts, and how failures of trust look.
 *
 * Invariant: nothing of a request, its headers included, is written to a connection before its certificate was found among the pins.
 */

import type http from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions } from 'node:tls';
import { StdError } from '../errors.ts';
import { certificatePin } from './certificate-pin.ts';

/** RFC 8446, appendix B.4: the two suites of 256 bits. */
export const tlsOptions: SecureContextOptions = {
  minVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
};

/** Codes of OpenSSL (X509_V_ERR_…) and of Node that say: this certificate is not trusted. */
const untrusted =
  /^(CERT_|CRL_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH|ERR_TLS_CERT_ALTNAME_INVALID)/u;

/** What a failure of a connection is for the port, by its system code and what Node knows of the proxy. */
export function networkError(error: unknown): StdError {
  if (error instanceof StdError) return error;
  const systemCode = codeOf(error);
  const context = { systemCode };
  if (untrusted.test(systemCode)) return new StdError('network-untrusted', { context, cause: error });
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 0;
  if (systemCode === 'ERR_PROXY_TUNNEL' && status >= 400 && status < 500)
    return new StdError('network-proxy-refused', { context: { status } });
  // The proxy's own words are left out: they may quote what it was asked.
  if (systemCode === 'ERR_PROXY_TUNNEL') return new StdError('network-unreachable', { context: { systemCode, status } });
  return new StdError('network-unreachable', { context, cause: error });
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

const trusted = new WeakSet<Duplex>();

/** Calls `ready` once the request's connection is there and its certificate is one of the pins; destroys the request otherwise. */
export function whenPinned(outgoing: http.ClientRequest, pins: ReadonlySet<string>, ready: () => void): void {
  const check = (socket: Duplex): void => {
    const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
    if (certificate === undefined || !pins.has(certificatePin(certificate))) {
      outgoing.destroy(new StdError('network-untrusted', { context: { systemCode: 'PIN_MISMATCH' } }));
      return;
    }
    trusted.add(socket);
    ready();
  };
  outgoing.on('socket', (socket: Duplex & { readonly secureConnecting?: boolean }) => {
    if (trusted.has(socket)) ready();
    else if (socket.secureConnecting === false) check(socket);
    else socket.once('secureConnect', () => check(socket));
  });
}
