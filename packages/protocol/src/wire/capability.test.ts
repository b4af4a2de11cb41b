/* Capabilities: what a site takes, and every way in which one may not be what it claims. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { base64url, CompactSign, importJWK } from 'jose';
import { computerId, safeId, siteId } from '@twinvault/format';
import { dayMs, equalBytes, minuteMs, primitives, Prng, toHex, utf8Encode } from '@twinvault/std';
import { ProtocolError } from '../errors.ts';
import { capabilityMsMax, capabilitySkewMsMax } from '../limits.ts';
import { demandScope, demandTime, issuerName, permits, signCapability, verifyCapability } from './capability.ts';
import type { CapabilityGrant } from './capability.ts';

const prng = new Prng('capability');
const [site, otherSite] = [siteId(prng.bytes(16)), siteId(prng.bytes(16))];
const [safe, otherSafe] = [safeId(prng.bytes(16)), safeId(prng.bytes(16))];
const seed = prng.bytes(32);
const issuers = [primitives.ed25519PublicKey(prng.bytes(32)), primitives.ed25519PublicKey(seed)];
const nowMs = 1_800_000_000_000;
const issuer = { seed, nowMs, id: prng.bytes(16) };
const grant: CapabilityGrant = { site, safe, verbs: ['write'], notBeforeMs: nowMs, endsMs: nowMs + dayMs };

function refused(code: string): (error: unknown) => boolean {
  return (error) => error instanceof ProtocolError && error.code === code;
}

async function signedBy(claims: object, header: object = {}, secret: Uint8Array = seed): Promise<string> {
  const publicKey = primitives.ed25519PublicKey(secret);
  const key = await importJWK(
    { kty: 'OKP', crv: 'Ed25519', d: base64url.encode(secret), x: base64url.encode(publicKey) },
    'EdDSA',
  );
  const whole = { alg: 'EdDSA', typ: 'twinvault-capability+jwt', kid: issuerName(publicKey), ...header };
  return new CompactSign(utf8Encode(JSON.stringify(claims))).setProtectedHeader(whole).sign(key);
}

const claims = {
  aud: toHex(site),
  sub: toHex(safe),
  verbs: ['read'],
  iat: nowMs / 1000,
  nbf: nowMs / 1000,
  exp: nowMs / 1000 + 60,
  jti: toHex(issuer.id),
};

test('a capability comes back as it was granted', async () => {
  const whole: CapabilityGrant = { ...grant, verbs: ['create', 'write'], computer: computerId(prng.bytes(16)), customer: 'Ada' };
  const capability = await verifyCapability(await signCapability(whole, issuer), { site, issuers });
  assert.deepEqual(capability, { ...whole, issuedMs: nowMs, id: toHex(issuer.id) });
  const plain = await verifyCapability(await signCapability(grant, issuer), { site, issuers });
  assert.equal(plain.customer, undefined);
});

test('nothing but what an issuer of the site signed for it is taken', async () => {
  const check = { site, issuers };
  const token = await signCapability(grant, issuer);
  await assert.rejects(verifyCapability(token, { site: otherSite, issuers }), refused('capability-invalid'));
  await assert.rejects(verifyCapability(token, { site, issuers: issuers.slice(0, 1) }), refused('capability-invalid'));
  await assert.rejects(verifyCapability(token, { site, issuers: [] }), refused('capability-invalid'));
  await verifyCapability(await signedBy(claims), check);
  const foreign = await signedBy(claims, { kid: issuerName(issuers[1] ?? seed) }, prng.bytes(32));
  const [, body = ''] = token.split('.');
  const unsigned = `${base64url.encode(JSON.stringify({ alg: 'none', kid: issuerName(issuers[1] ?? seed) }))}.${body}.`;
  const spoiled = [
    foreign,
    unsigned,
    await signedBy(claims, { typ: 'JWT' }),
    await signedBy(claims, { typ: undefined }),
    await signedBy({ ...claims, aud: undefined }),
    await signedBy({ ...claims, sub: 'ab' }),
    await signedBy({ ...claims, verbs: [] }),
    await signedBy({ ...claims, verbs: ['read', 'all'] }),
    await signedBy({ ...claims, verbs: ['operate'] }),
    await signedBy({ ...claims, exp: claims.nbf }),
    await signedBy({ ...claims, exp: claims.nbf + capabilityMsMax / 1000 + 1 }),
    await signedBy({ ...claims, nbf: -1 }),
    await signedBy([]),
    '',
    'a.b.c',
    `${token}.${token}`,
    'a'.repeat(100_000),
  ];
  for (const [index, one] of spoiled.entries())
    await assert.rejects(verifyCapability(one, check), refused('capability-invalid'), `${index}`);
});

test('no change of a token keeps it good', async () => {
  const token = await signCapability(grant, issuer);
  await fc.assert(
    fc.asyncProperty(fc.nat(token.length - 1), fc.constantFrom('A', 'a', '0', '-', '_', '.', '~'), async (index, letter) => {
      const changed = token.slice(0, index) + letter + token.slice(index + 1);
      // The last letter of a part has bits that base64url does not use.
      const bytes = (text: string): string =>
        text
          .split('.')
          .map((part) => Buffer.from(part, 'base64url').toString('hex'))
          .join('.');
      fc.pre(bytes(changed) !== bytes(token));
      await assert.rejects(verifyCapability(changed, { site, issuers }), refused('capability-invalid'));
    }),
  );
});

test('it is good from its beginning to its end, give or take what clocks may differ by', async () => {
  const capability = await verifyCapability(await signCapability(grant, issuer), { site, issuers });
  demandTime(capability, nowMs - capabilitySkewMsMax);
  demandTime(capability, grant.endsMs + capabilitySkewMsMax - 1);
  assert.throws(() => demandTime(capability, nowMs - capabilitySkewMsMax - 1), refused('capability-invalid'));
  assert.throws(() => demandTime(capability, grant.endsMs + capabilitySkewMsMax), refused('capability-ended'));
  demandTime(capability, nowMs, nowMs);
  assert.throws(() => demandTime(capability, nowMs, nowMs + minuteMs), refused('capability-invalid'));
});

test('it is good for its safe and its verbs alone', async () => {
  const of = async (more: Partial<CapabilityGrant>): ReturnType<typeof verifyCapability> =>
    verifyCapability(await signCapability({ ...grant, ...more }, issuer), { site, issuers });
  const agent = await of({});
  demandScope(agent, 'write', safe);
  demandScope(agent, 'read', safe);
  assert.throws(() => demandScope(agent, 'write', otherSafe), refused('safe-unknown'));
  assert.throws(() => demandScope(agent, 'operate', otherSafe), refused('safe-unknown'));
  for (const verb of ['create', 'operate'] as const) {
    assert.throws(() => demandScope(agent, verb, safe), refused('verb-denied'));
    assert.throws(() => demandScope(agent, verb, null), refused('verb-denied'));
  }
  assert.ok(equalBytes(agent.safe === '*' ? otherSafe : agent.safe, safe));
  const operator = await of({ safe: '*', verbs: ['operate'] });
  demandScope(operator, 'operate', otherSafe);
  demandScope(operator, 'operate', null);
  assert.throws(() => demandScope(operator, 'read', safe), refused('verb-denied'));
  assert.equal(permits(await of({ verbs: ['read'] }), 'write'), false);
});

test('what a site would refuse is not signed', async () => {
  for (const more of [
    { verbs: [] },
    { verbs: ['operate' as const] },
    { endsMs: nowMs },
    { endsMs: nowMs + capabilityMsMax + 1000 },
  ]) {
    await assert.rejects(signCapability({ ...grant, ...more }, issuer), refused('capability-invalid'));
  }
});
