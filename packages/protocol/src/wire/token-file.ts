/*
 * The token file: a site's address, how its certificate is verified and a capability, in one file to hand over (docs/protocol/README.md, Token
 * files). It is a secret like a password: whoever has it has the capability.
 */

import { Type } from 'typebox';
import type { TUnsafe } from 'typebox';
import { KiB, utf8Decode, utf8Encode } from '@twinvault/std';
import { ProtocolError } from '../errors.ts';
import { capabilityBytesMax, tokenFileBytesMax } from '../limits.ts';
import { checkJson } from './check-json.ts';
import { strict, typed } from './json-parts.ts';

export interface TokenFile {
  /** Base address of the site: `https://`, host, and perhaps port and path; no query, no `/` at the end. */
  readonly vault: string;
  /** `sha256:` and 64 hexadecimal digits, of the certificate's SubjectPublicKeyInfo; none: authorities are asked. */
  readonly pins: readonly string[];
  /** Certificates in PEM of the authorities that are asked instead of the system's; never together with pins. */
  readonly authorities?: string;
  /** In compact form. */
  readonly capability: string;
}

const fileFormat = 1;
/** A certificate and its successor, some times over. */
const pinsMax = 8;
/** A few authorities; the file as a whole is no longer than `tokenFileBytesMax`. */
export const authoritiesLengthMax: number = 12 * KiB;
const authoritiesPattern = '^-----BEGIN CERTIFICATE-----\\n[\\w\\s+/=-]+\\n-----END CERTIFICATE-----\\n?$';
/** No user, query or fragment; the path has no `/` at its end. */
const addressPattern = '^https?://[^\\s/?#@]+(/[^\\s/?#@]+)*$';
export const pinPattern = '^sha256:[0-9a-f]{64}$';

interface FileJson {
  twinvault: 'token';
  format: number;
  vault: string;
  pins: string[];
  authorities?: string;
  capability: string;
}

const fileJson: TUnsafe<FileJson> = typed(
  strict({
    twinvault: Type.Literal('token'),
    format: Type.Literal(fileFormat),
    vault: Type.String({ pattern: addressPattern, maxLength: 2048 }),
    pins: Type.Array(Type.String({ pattern: pinPattern, maxLength: 71 }), { maxItems: pinsMax }),
    authorities: Type.Optional(Type.String({ pattern: authoritiesPattern, maxLength: authoritiesLengthMax })),
    capability: Type.String({ pattern: '^[\\w-]+\\.[\\w-]+\\.[\\w-]+$', maxLength: capabilityBytesMax }),
  }),
);

/** The file's bytes. `token-file-invalid` for what `parseTokenFile` would not take. */
export function encodeTokenFile({ vault, pins, authorities, capability }: TokenFile): Uint8Array {
  const trust = authorities === undefined ? {} : { authorities };
  const file: FileJson = { twinvault: 'token', format: fileFormat, vault, pins: [...pins], ...trust, capability };
  const bytes = utf8Encode(`${JSON.stringify(file, null, 2)}\n`);
  parseTokenFile(bytes);
  return bytes;
}

/** `token-file-invalid`. */
export function parseTokenFile(bytes: Uint8Array): TokenFile {
  if (bytes.length > tokenFileBytesMax) throw new ProtocolError('token-file-invalid', { context: { bytes: bytes.length } });
  const { vault, pins, authorities, capability } = checkJson(fileJson, utf8Decode(bytes) ?? '', 'token-file-invalid');
  if (authorities === undefined) return { vault, pins, capability };
  if (pins.length > 0) throw new ProtocolError('token-file-invalid', { context: { defect: 'pins and authorities' } });
  return { vault, pins, authorities, capability };
}
