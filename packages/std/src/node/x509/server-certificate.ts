/*
 * Keys and certificates of servers (RFC 5280): a P-256 key, a certificate that it signs itself, a request for one (RFC 2986), and what a
 * certificate says. Clients that pin do so by the key (RFC 7858 section 4.2), so a new certificate of the same key keeps every pin good.
 *
 * P-256 and not Ed25519: browsers take no Ed25519 certificates.
 */

import crypto, { X509Certificate } from 'node:crypto';
import { isIP, SocketAddress } from 'node:net';
import { toHex, utf8Encode } from '../../bytes.ts';
import { derBits, derInteger, derObjectId, derOctets, derSequence, derSet, derTagged, derText, derTime, derTrue } from './der.ts';

const ids = {
  commonName: '2.5.4.3',
  keyUsage: '2.5.29.15',
  alternativeNames: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuthentication: '1.3.6.1.5.5.7.3.1',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  extensionRequest: '1.2.840.113549.1.9.14',
};

export interface CertificateOptions {
  /** PEM, of makeServerKey. */
  readonly key: string;
  /** Host names and IP addresses, at least one. */
  readonly names: readonly string[];
}

export interface SelfSignedOptions extends CertificateOptions {
  /** Valid from and to, ms since 1970. */
  readonly fromMs: number;
  readonly toMs: number;
}

export interface CertificateFacts {
  /** `sha256:` and the SHA-256, hexadecimal, of the SubjectPublicKeyInfo. */
  readonly pin: string;
  readonly toMs: number;
  /** No authority vouches for it: whoever is to trust it has to be told the pin. */
  readonly isSelfSigned: boolean;
  /** Whether it is good for this host name or IP address. */
  names(host: string): boolean;
}

/** A new private key, PEM (PKCS #8). */
export function makeServerKey(): string {
  const { privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}

/** PEM. */
export function selfSignedCertificate({ key, names, fromMs, toMs }: SelfSignedOptions): string {
  const name = nameOf(names[0] ?? '');
  const extensions = derSequence(
    extension(ids.basicConstraints, derSequence(), { critical: true }),
    // digitalSignature, of nine bits the first.
    extension(ids.keyUsage, new Uint8Array([0x03, 0x02, 0x07, 0x80]), { critical: true }),
    extension(ids.extendedKeyUsage, derSequence(derObjectId(ids.serverAuthentication))),
    alternativeNames(names),
  );
  const body = derSequence(
    derTagged(0xa0, derInteger(new Uint8Array([2]))),
    derInteger(crypto.randomBytes(16)),
    signatureAlgorithm(),
    name,
    derSequence(derTime(fromMs), derTime(toMs)),
    name,
    publicKeyInfo(key),
    derTagged(0xa3, extensions),
  );
  return pem('CERTIFICATE', signed(body, key));
}

/** A PKCS #10 request, DER. */
export function certificateRequest({ key, names }: CertificateOptions): Uint8Array {
  const attribute = derSequence(derObjectId(ids.extensionRequest), derSet(derSequence(alternativeNames(names))));
  const body = derSequence(derInteger(new Uint8Array(1)), nameOf(names[0] ?? ''), publicKeyInfo(key), derTagged(0xa0, attribute));
  return signed(body, key);
}

/** Of the first certificate of a chain (PEM). Null when it cannot be read, or when `key` (PEM) is not the key that it names. */
export function certificateFacts(chain: string, key: string): CertificateFacts | null {
  try {
    const certificate = new X509Certificate(chain);
    if (!certificate.checkPrivateKey(crypto.createPrivateKey(key))) return null;
    const info = certificate.publicKey.export({ format: 'der', type: 'spki' });
    return {
      pin: `sha256:${toHex(crypto.createHash('sha256').update(info).digest())}`,
      toMs: Date.parse(certificate.validTo),
      isSelfSigned: certificate.verify(certificate.publicKey),
      names: (host) => (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined,
    };
  } catch {
    return null;
  }
}

function nameOf(text: string): Uint8Array {
  // A common name has at most 64 characters; nobody reads it where there are alternative names.
  return derSequence(derSet(derSequence(derObjectId(ids.commonName), derText(text.slice(0, 64)))));
}

function extension(id: string, value: Uint8Array, { critical = false } = {}): Uint8Array {
  return derSequence(derObjectId(id), ...(critical ? [derTrue()] : []), derOctets(value));
}

function alternativeNames(names: readonly string[]): Uint8Array {
  const values = names.map((name) => {
    const family = isIP(name);
    return family === 0 ? derTagged(0x82, utf8Encode(name)) : derTagged(0x87, addressBytes(name, family));
  });
  return extension(ids.alternativeNames, derSequence(...values));
}

function addressBytes(address: string, family: number): Uint8Array {
  if (family === 4) return new Uint8Array(address.split('.').map(Number));
  const parsed = new SocketAddress({ address, family: 'ipv6' }).address;
  const [front = '', back] = parsed.split('::');
  const groups = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const [head, tail] = [groups(front), groups(back ?? '')];
  const all = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail];
  return new Uint8Array(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function publicKeyInfo(key: string): Uint8Array {
  return crypto.createPublicKey(key).export({ format: 'der', type: 'spki' });
}

function signatureAlgorithm(): Uint8Array {
  return derSequence(derObjectId(ids.ecdsaWithSha256));
}

function signed(body: Uint8Array, key: string): Uint8Array {
  return derSequence(body, signatureAlgorithm(), derBits(crypto.sign('sha256', body, key)));
}

function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/gu) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
