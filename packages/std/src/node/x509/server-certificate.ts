/*
 * Keys and certificates of servers (RFC 5280): a P-256 key, a certificate that it signs itself, and what a certificate says. Clients that pin do
 * so by the key (RFC 7858 section 4.2), so a new certificate of the same key keeps every pin good.
 *
 * P-256 and not Ed25519: browsers take no Ed25519 certificates.
 */

import crypto, { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { certificatePin } from '../certificate-pin.ts';

export interface SelfSignedOptions {
  /** PEM, of makeServerKey. */
  readonly key: string;
  /** Host names and IP addresses, at least one. */
  readonly names: readonly string[];
  /** Valid from and to, ms since 1970. */
  readonly fromMs: number;
  readonly toMs: number;
}

export interface CertificateFacts {
  /** `sha256:` and the SHA-256, hexadecimal, of the SubjectPublicKeyInfo. */
  readonly pin: string;
  /** Valid from and to, ms since 1970. */
  readonly fromMs: number;
  readonly toMs: number;
  /** No authority vouches for it: whoever is to trust it has to be told the pin. */
  readonly isSelfSigned: boolean;
  /** Whether it is good for this host name or IP address. */
  names(host: string): boolean;
}

/** A common name has at most 64 characters; nobody reads it where there are alternative names. */
const commonNameMax = 64;

/** A new private key, PEM (PKCS #8). */
export function makeServerKey(): string {
  const { privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}

/** PEM. What writes certificates is loaded here: 100 ms that nothing else needs (2 cores, November 2026). */
export async function selfSignedCertificate({ key, names, fromMs, toMs }: SelfSignedOptions): Promise<string> {
  // The bundle has the exports of a CommonJS module that is loaded late under `default` alone.
  const { default: x509 } = await import('@peculiar/x509');
  const { subtle } = crypto.webcrypto;
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const privateKey = crypto.createPrivateKey(key);
  const publicKey = crypto.createPublicKey(privateKey);
  const keys = {
    privateKey: await subtle.importKey('pkcs8', privateKey.export({ format: 'der', type: 'pkcs8' }), algorithm, false, ['sign']),
    publicKey: await subtle.importKey('spki', publicKey.export({ format: 'der', type: 'spki' }), algorithm, true, ['verify']),
  };
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [(names[0] ?? '').slice(0, commonNameMax)] }],
    notBefore: new Date(fromMs),
    notAfter: new Date(toMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }))),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

/** Of the first certificate of a chain (PEM). Null when it cannot be read, or when `key` (PEM) is not the key that it names. */
export function certificateFacts(chain: string, key: string): CertificateFacts | null {
  try {
    const certificate = new X509Certificate(chain);
    if (!certificate.checkPrivateKey(crypto.createPrivateKey(key))) return null;
    return {
      pin: certificatePin(certificate),
      fromMs: Date.parse(certificate.validFrom),
      toMs: Date.parse(certificate.validTo),
      isSelfSigned: certificate.verify(certificate.publicKey),
      names: (host) => (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined,
    };
  } catch {
    return null;
  }
}

/** The certificates in a text that may hold other things as well, PEM one after the other. Null when there is none, or one that cannot be read. */
export function certificatesIn(text: string): string | null {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/gu) ?? [];
  try {
    return blocks.length === 0 ? null : blocks.map((block) => new X509Certificate(block).toString()).join('');
  } catch {
    return null;
  }
}
