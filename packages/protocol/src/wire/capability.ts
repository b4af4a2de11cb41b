/*
 * Capabilities: docs/protocol/README.md, Capabilities. A JSON Web Signature in compact form (RFC 7515) with EdDSA over Ed25519 (RFC 8037); nothing else
 * is accepted, and no key but those that the site was told to trust.
 *
 * Invariant: what a capability permits is decided from its claims and the path alone, before anything is looked up.
 */

import { base64url, CompactSign, compactVerify, errors, importJWK } from 'jose';
import type { CompactJWSHeaderParameters } from 'jose';
import { Type } from 'typebox';
import type { TUnsafe } from 'typebox';
import { computerIdFromHex, safeIdFromHex, siteIdFromHex } from '@twinvault/format';
import type { ComputerId, SafeId, SiteId } from '@twinvault/format';
import { assert, equalBytes, primitives, secondMs, toHex, utf8Decode, utf8Encode } from '@twinvault/std';
import { ProtocolError } from '../errors.ts';
import { capabilityBytesMax, capabilityMsMax, capabilitySkewMsMax } from '../limits.ts';
import { checkJson } from './check-json.ts';
import { countJson, customerJson, idJson, typed } from './json-parts.ts';

export const verbs = ['create', 'read', 'write', 'operate', 'follow'] as const;
export type Verb = (typeof verbs)[number];
/** Of the whole site: they go with '*' alone. */
const siteVerbs: ReadonlySet<Verb> = new Set(['operate', 'follow']);

const algorithm = 'EdDSA';
const tokenType = 'twinvault-capability+jwt';

export interface CapabilityGrant {
  readonly site: SiteId;
  /** '*': every safe of the site, an operator's or a twin's. */
  readonly safe: SafeId | '*';
  /** Each once. */
  readonly verbs: readonly Verb[];
  /** Sessions of this computer only. */
  readonly computer?: ComputerId;
  /** Who the safes that it makes belong to: whose share of the site they use. */
  readonly customer?: string;
  /** Since 1970; whole seconds are kept. */
  readonly notBeforeMs: number;
  readonly endsMs: number;
}

export interface Capability extends CapabilityGrant {
  readonly issuedMs: number;
  /** Names this one capability, in logs and where one is to be refused. */
  readonly id: string;
}

/** The issuer's name in a capability: the first 16 bytes of SHA-256 of its Ed25519 public key, hexadecimal. */
export function issuerName(publicKey: Uint8Array): string {
  return toHex(primitives.sha256(publicKey).subarray(0, 16));
}

export interface Issuer {
  /** Of Ed25519, 32 bytes. */
  readonly seed: Uint8Array;
  readonly nowMs: number;
  /** 16 bytes, of no other capability. */
  readonly id: Uint8Array;
}

/** Signs a capability. What a site would refuse, it refuses too: `capability-invalid`. */
export async function signCapability(grant: CapabilityGrant, { seed, nowMs, id }: Issuer): Promise<string> {
  const publicKey = primitives.ed25519PublicKey(seed);
  const claims: Claims = {
    aud: toHex(grant.site),
    sub: grant.safe === '*' ? '*' : toHex(grant.safe),
    verbs: [...grant.verbs],
    ...(grant.computer === undefined ? {} : { computer: toHex(grant.computer) }),
    ...(grant.customer === undefined ? {} : { customer: grant.customer }),
    iat: Math.floor(nowMs / secondMs),
    nbf: Math.floor(grant.notBeforeMs / secondMs),
    exp: Math.floor(grant.endsMs / secondMs),
    jti: toHex(id),
  };
  const text = JSON.stringify(claims);
  capabilityOf(text, grant.site);
  const key = await importJWK(
    { kty: 'OKP', crv: 'Ed25519', d: base64url.encode(seed), x: base64url.encode(publicKey) },
    algorithm,
  );
  const header: CompactJWSHeaderParameters = { alg: algorithm, typ: tokenType, kid: issuerName(publicKey) };
  const token = await new CompactSign(utf8Encode(text)).setProtectedHeader(header).sign(key);
  assert(token.length <= capabilityBytesMax, 'capability too long');
  return token;
}

export interface CapabilityCheck {
  readonly site: SiteId;
  /** Ed25519 public keys of the issuers that the site trusts. */
  readonly issuers: readonly Uint8Array[];
}

/** The capability of a signed token, whatever the time: `demandTime` looks at that. `capability-invalid`. */
export async function verifyCapability(token: string, { site, issuers }: CapabilityCheck): Promise<Capability> {
  if (token.length > capabilityBytesMax) throw invalid('too long');
  const text = utf8Decode(await payloadOf(token, issuers));
  if (text === null) throw invalid('text');
  return capabilityOf(text, site);
}

async function payloadOf(token: string, issuers: readonly Uint8Array[]): Promise<Uint8Array> {
  try {
    const { payload, protectedHeader } = await compactVerify(
      token,
      ({ kid }) => {
        const key = issuers.find((publicKey) => issuerName(publicKey) === kid);
        if (key === undefined) throw invalid('issuer');
        return importJWK({ kty: 'OKP', crv: 'Ed25519', x: base64url.encode(key) }, algorithm);
      },
      { algorithms: [algorithm] },
    );
    if (protectedHeader.typ !== tokenType) throw invalid('type');
    return payload;
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) throw invalid('signature');
    throw error;
  }
}

/** The site that a capability names, by its word alone: whoever was given it asks that site. `capability-invalid`. */
export function namedSite(token: string): SiteId {
  const payload = token.length > capabilityBytesMax ? undefined : token.split('.')[1];
  const text = payload === undefined ? null : utf8Decode(decoded(payload));
  const { aud } = checkJson(audienceJson, text ?? '', 'capability-invalid');
  return siteIdFromHex(aud);
}

function decoded(text: string): Uint8Array {
  try {
    return base64url.decode(text);
  } catch {
    throw invalid('text');
  }
}

const audienceJson: TUnsafe<{ aud: string }> = typed(Type.Object({ aud: idJson }));

/** `capability-ended`; `capability-invalid` for one that is not good yet, or issued before `issuedMsMin`. */
export function demandTime(capability: Capability, nowMs: number, issuedMsMin: number = 0): void {
  if (nowMs >= capability.endsMs + capabilitySkewMsMax)
    throw new ProtocolError('capability-ended', { context: { endsMs: capability.endsMs } });
  if (nowMs < capability.notBeforeMs - capabilitySkewMsMax) throw invalid('not yet');
  if (capability.issuedMs < issuedMsMin) throw invalid('withdrawn');
}

/**
 * Scope, decided before anything is looked up: `safe-unknown` for a safe that the capability does not name, as for one that is not there;
 * `verb-denied` for what it does not permit.
 */
export function demandScope(capability: Capability, verb: Verb, safe: SafeId | null): void {
  const named = capability.safe === '*' || (safe !== null && equalBytes(capability.safe, safe));
  if (safe !== null && !named) throw new ProtocolError('safe-unknown', { context: { safe: toHex(safe) } });
  if (!permits(capability, verb)) throw new ProtocolError('verb-denied', { context: { verb } });
}

/** `write` and `follow` include `read`; the others include nothing. */
export function permits({ verbs: granted }: Capability, verb: Verb): boolean {
  return granted.includes(verb) || (verb === 'read' && (granted.includes('write') || granted.includes('follow')));
}

interface Claims {
  aud: string;
  sub: string;
  verbs: Verb[];
  computer?: string;
  customer?: string;
  /** RFC 7519, section 2: seconds since 1970. */
  iat: number;
  nbf: number;
  exp: number;
  jti: string;
}

const claimsJson: TUnsafe<Claims> = typed(
  Type.Object({
    aud: idJson,
    sub: Type.Union([idJson, Type.Literal('*')]),
    verbs: Type.Array(Type.Union(verbs.map((verb) => Type.Literal(verb))), {
      minItems: 1,
      maxItems: verbs.length,
      uniqueItems: true,
    }),
    computer: Type.Optional(idJson),
    customer: Type.Optional(customerJson),
    iat: countJson,
    nbf: countJson,
    exp: countJson,
    jti: idJson,
  }),
);

function capabilityOf(text: string, site: SiteId): Capability {
  const claims = checkJson(claimsJson, text, 'capability-invalid');
  if (claims.aud !== toHex(site)) throw invalid('site');
  const [notBeforeMs, endsMs] = [claims.nbf * secondMs, claims.exp * secondMs];
  if (endsMs <= notBeforeMs || endsMs - notBeforeMs > capabilityMsMax) throw invalid('duration');
  if (claims.sub !== '*' && claims.verbs.some((verb) => siteVerbs.has(verb))) throw invalid('a verb that is not for one safe');
  return {
    site,
    safe: claims.sub === '*' ? '*' : safeIdFromHex(claims.sub),
    verbs: claims.verbs,
    ...(claims.computer === undefined ? {} : { computer: computerIdFromHex(claims.computer) }),
    ...(claims.customer === undefined ? {} : { customer: claims.customer }),
    issuedMs: claims.iat * secondMs,
    notBeforeMs,
    endsMs,
    id: claims.jti,
  };
}

function invalid(defect: string): ProtocolError {
  return new ProtocolError('capability-invalid', { context: { defect } });
}
