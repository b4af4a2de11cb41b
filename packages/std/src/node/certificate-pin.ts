/* Pins: what a client that was handed one trusts instead of authorities. */

import { createHash, X509Certificate } from 'node:crypto';

/** `sha256:` and the SHA-256, hexadecimal, of the SubjectPublicKeyInfo (RFC 7858, section 4.2) of a certificate, or of the first one of a PEM. */
export function certificatePin(certificate: X509Certificate | string | Uint8Array): string {
  const parsed = certificate instanceof X509Certificate ? certificate : new X509Certificate(certificate);
  const info = parsed.publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(info).digest('hex')}`;
}
