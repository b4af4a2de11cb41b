import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { dayMs } from '../../units.ts';
import { systemClock } from '../system-clock.ts';
import { certificateFacts, certificatesIn, makeServerKey, selfSignedCertificate } from './server-certificate.ts';

const names = ['backup.example', '127.0.0.1', '2001:db8::1:0'];
const fromMs = systemClock.nowMs() - dayMs;
const toMs = fromMs + 20_000 * dayMs;

test('a certificate names its hosts, holds its dates, and verifies with its own key', async () => {
  const key = makeServerKey();
  const chain = await selfSignedCertificate({ key, names, fromMs, toMs });
  const certificate = new X509Certificate(chain);
  assert.ok(certificate.verify(certificate.publicKey));
  assert.equal(certificate.ca, false);
  assert.equal(certificate.subjectAltName, 'DNS:backup.example, IP Address:127.0.0.1, IP Address:2001:DB8:0:0:0:0:1:0');
  const facts = certificateFacts(chain, key);
  assert.ok(facts);
  for (const name of names) assert.ok(facts.names(name), name);
  assert.equal(facts.names('other.example'), false);
  assert.equal(facts.fromMs, Math.floor(fromMs / 1000) * 1000);
  assert.equal(facts.toMs, Math.floor(toMs / 1000) * 1000);
  assert.ok(facts.isSelfSigned);
  assert.equal(certificate.subject, 'CN=backup.example');
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  assert.match(certificate.serialNumber, /^[0-9A-F]{28,34}$/u);
});

test('a new certificate of the same key has the same pin, another key has another, and no key but its own fits', async () => {
  const [key, other] = [makeServerKey(), makeServerKey()];
  const chain = await selfSignedCertificate({ key, names, fromMs, toMs });
  const again = await selfSignedCertificate({ key, names: ['new.example'], fromMs, toMs });
  assert.equal(certificateFacts(chain, key)?.pin, certificateFacts(again, key)?.pin);
  assert.match(certificateFacts(chain, key)?.pin ?? '', /^sha256:[0-9a-f]{64}$/u);
  assert.equal(certificateFacts(chain, other), null);
  assert.equal(certificateFacts('no certificate', key), null);
});

test('of a text the certificates alone are taken, and one without any, or with a spoilt one, is refused', async () => {
  const chain = await selfSignedCertificate({ key: makeServerKey(), names, fromMs, toMs });
  assert.equal(certificatesIn(`An authority\r\n${chain.replaceAll('\n', '\r\n')}and words\n${chain}`), chain + chain);
  for (const text of ['', 'nothing', makeServerKey(), chain.replace('MII', 'NII')])
    assert.equal(certificatesIn(text), null, text);
});

test('a server speaks TLS with it, and a client that trusts it checks the name', async () => {
  const key = makeServerKey();
  const chain = await selfSignedCertificate({ key, names: ['localhost'], fromMs, toMs });
  const server = https.createServer({ key, cert: chain, minVersion: 'TLSv1.3' }, (_request, response) => response.end('ok'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const status = await new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, servername: 'localhost', ca: chain, agent: false as const };
    https.get(options, (answer) => resolve(answer.resume().statusCode)).on('error', reject);
  });
  assert.equal(status, 200);
  server.close();
});
