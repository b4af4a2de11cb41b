import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VaultError } from '../../errors.ts';
import { parseConfigFile } from './config-file.ts';
import { siteConfig } from './site-config.ts';

const resolve = (path: string): string => (path.startsWith('/') ? path : `/etc/twinvault/${path}`);
const least = 'address: https://backup.example:8443/a/\nstate: state\nstore: { directory: /srv/vault }\n';

function defectOf(source: string): { key: unknown; defect: unknown } {
  try {
    parseConfigFile(source);
  } catch (error) {
    assert.ok(error instanceof VaultError && error.code === 'config-invalid');
    return { key: error.context['key'], defect: error.context['defect'] };
  }
  throw new assert.AssertionError({ message: `this was taken: ${source}` });
}

test('three keys suffice, and the rest has its value', () => {
  assert.deepEqual(siteConfig(parseConfigFile(least), resolve), {
    address: 'https://backup.example:8443/a',
    basePath: '/a',
    host: 'backup.example',
    listen: { host: '::', port: 8443 },
    operations: null,
    state: '/etc/twinvault/state',
    store: { type: 'directory', path: '/srv/vault' },
    database: { type: 'sqlite', path: '/etc/twinvault/state/site.sqlite' },
    certificate: { type: 'made' },
    issuers: [],
    refuseBeforeMs: 0,
    minimumAgeMs: 0,
    eraseWaitMs: 72 * 3_600_000,
    care: {},
    safeBytesMax: null,
    twins: [],
    log: 'info',
  });
});

test('everything that can be said is taken', () => {
  const file = parseConfigFile(`
address: https://[2001:db8::1]
listen: "[::1]:9000"
operations: 127.0.0.1:9464
state: /var/lib/x
store:
  bucket: { endpoint: "http://localhost:7480", name: vault, prefix: a, addressing: host, credentials: s3.json, siteKey: site.key }
database: { postgresql: { host: db.example, database: site, user: site, password: db-password, tls: system } }
certificate: { chain: a.crt, key: a.key }
issuers: [${'ab'.repeat(32)}]
refuseBefore: 2026-11-22T12:00Z
care: { minimumAgeDays: 30, scrubRate: 0.5 }
limits: { safeGiB: 0.5 }
twins: [{ token: b.token, limitDownload: [2M@08:00-18:00, 500000] }]
log: debug
`);
  const config = siteConfig(file, resolve);
  assert.equal(config.host, '2001:db8::1');
  assert.deepEqual(config.listen, { host: '::1', port: 9000 });
  assert.deepEqual(config.operations, { host: '127.0.0.1', port: 9464 });
  assert.ok(config.store.type === 'bucket');
  assert.equal(config.store.bucket.credentials, '/etc/twinvault/s3.json');
  assert.deepEqual(config.database, {
    type: 'postgresql',
    server: {
      host: 'db.example',
      port: 5432,
      database: 'site',
      user: 'site',
      password: '/etc/twinvault/db-password',
      tls: 'system',
    },
  });
  assert.deepEqual(config.certificate, {
    type: 'own',
    chain: '/etc/twinvault/a.crt',
    key: '/etc/twinvault/a.key',
    authorities: null,
  });
  assert.deepEqual(config.twins, [{ token: '/etc/twinvault/b.token', limitDownload: ['2M@08:00-18:00', 500_000] }]);
  assert.equal(config.refuseBeforeMs, Date.UTC(2026, 10, 22, 12));
});

test('an authority is asked as the file says, and as is usual where it says nothing', () => {
  const usual = siteConfig(parseConfigFile(`${least}certificate: { acme: { terms: agreed } }\n`), resolve).certificate;
  assert.deepEqual(usual, {
    type: 'acme',
    acme: {
      directory: 'https://acme-v02.api.letsencrypt.org/directory',
      contact: null,
      challenges: { host: '::', port: 80 },
      externalAccount: null,
    },
    authorities: null,
  });
  const acme =
    '{ terms: agreed, directory: "https://ca.example/dir", contact: a@b.example, challenges: "127.0.0.1:8080", externalAccount: { id: i, key: k } }';
  const told = siteConfig(parseConfigFile(`${least}certificate: { acme: ${acme}, authorities: ca.pem }\n`), resolve).certificate;
  assert.deepEqual(told, {
    type: 'acme',
    acme: {
      directory: 'https://ca.example/dir',
      contact: 'a@b.example',
      challenges: { host: '127.0.0.1', port: 8080 },
      externalAccount: { id: 'i', key: '/etc/twinvault/k' },
    },
    authorities: '/etc/twinvault/ca.pem',
  });
  for (const host of ['192.0.2.1', '[2001:db8::1]']) {
    const file = parseConfigFile(`${least.replace('backup.example', host)}certificate: { acme: { terms: agreed } }\n`);
    assert.throws(() => siteConfig(file, resolve), /config-invalid/u, host);
  }
});

test('a path to listen at is a local socket', () => {
  const config = siteConfig(parseConfigFile(`${least}listen: /run/twinvault/a.sock\n`), resolve);
  assert.deepEqual(config.listen, { socket: '/run/twinvault/a.sock' });
});

test('what is wrong is named by its place', () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['', 'address', /missing/u],
    ['- a\n', '', /keys and values/u],
    ['address: [\n', '', /line \d+/u],
    ['a: &x [1]\nb: *x\n', '', /aliases/u],
    [least.replace('https', 'http'), 'address', /https/u],
    [`${least}adress: x\n`, 'adress', /not a key/u],
    [least.replace('directory: /srv/vault', ''), 'store', /exactly one/u],
    [`${least}listen: here\n`, 'listen', /port/u],
    [`${least}issuers: [abc]\n`, 'issuers.0', /public keys/u],
    [`${least}log: loud\n`, 'log', /debug/u],
    [`${least}certificate: { chain: a.crt }\n`, 'certificate.key', /missing/u],
    [`${least}certificate: {}\n`, 'certificate', /or acme/u],
    [`${least}certificate: { key: a, acme: { terms: agreed } }\n`, 'certificate', /either/u],
    [`${least}certificate: { acme: { terms: sure } }\n`, 'certificate.acme.terms', /agreed/u],
    [`${least}certificate: { acme: {} }\n`, 'certificate.acme.terms', /missing/u],
    [`${least}certificate: { acme: { terms: agreed, contact: me } }\n`, 'certificate.acme.contact', /mail/u],
    [`${least}certificate: { acme: { terms: agreed, directory: "http://a" } }\n`, 'certificate.acme.directory', /https/u],
    [`${least}care: { minimumAgeDays: -1 }\n`, 'care.minimumAgeDays', /days/u],
    [`${least}care: { eraseWaitHours: -1 }\n`, 'care.eraseWaitHours', /hours/u],
    [`${least}twins: [{ tokens: x }]\n`, 'twins.0.token', /missing/u],
    [`${least}twins: [{ token: x, limitDownload: 500k }]\n`, 'twins.0.limitDownload', /bytes per second/u],
    [`${least}care: { scrubRate: 0 }\n`, 'care.scrubRate', /MiB/u],
  ];
  for (const [source, key, defect] of cases) {
    const found = defectOf(source);
    assert.equal(found.key, key, source);
    assert.match(String(found.defect), defect);
  }
});

test('any text is either a configuration or refused with a word about it', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.string().map((text) => `${least}${text}: 1\n`),
      ),
      (source) => {
        try {
          parseConfigFile(source);
        } catch (error) {
          assert.ok(error instanceof VaultError, String(error));
        }
      },
    ),
  );
});
