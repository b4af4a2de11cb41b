/*
 * Proves that the command works with a site far away as it does with a directory: a user's way through it over HTTPS, with the site in a process of its own, and what it
 * says when the token, the certificate or the line is not right. Every step runs the real command; the tests of this file build on each other, in order.
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { Prng } from '@twinvault/std';
import { errorOf, expectExit, resultOf, twinvault } from './support/command.ts';
import type { CommandOptions } from './support/command.ts';
import { Place, temporaryDirectory } from './support/place.ts';
import { startSite } from './support/site.ts';
import { changeTree, copyTree, differencesBelow, makeTree } from './support/trees.ts';

const root = temporaryDirectory('site');
const source = `${root}/source`;
const copy = `${root}/copy`;
const prng = new Prng('site');

const site = await startSite(`${root}/site`);
const place = new Place(`${root}/place`, { vault: site.address });
/** The id of the safe. */
let safe: string;
/** The token that a computer has: this safe alone. */
let options: CommandOptions;

test('a safe is made at a site, and its computer gets a token for it alone', async () => {
  const invitation = await site.token('invitation', { verbs: ['create'] });
  const made = resultOf<{ safe: string }>(
    await place.run('init', [...place.secret, '--kit-file', place.kitFile, '--computer', 'first', '--token-file', invitation]),
  );
  safe = made.safe;
  const stranger = new Place(`${root}/stranger`, { vault: site.address });
  const words = ['--vault', site.address, '--safe', 'other', '--state', stranger.state, '--token-file', invitation];
  resultOf(await twinvault(['init', ...words, ...stranger.secret, '--kit-file', stranger.kitFile, '--json']));
  options = { environment: { TWINVAULT_TOKEN_FILE: await site.token('computer', { verbs: ['write'], safe }) } };
});

test('what is backed up over the network comes back as it was', async () => {
  makeTree(source, prng, { files: 60, bytes: 3_000_000 });
  copyTree(source, copy);
  const first = resultOf<{ safeset: string; uploadedBytes: number }>(await place.run('backup', [source], options));
  assert.ok(first.uploadedBytes > 1_000_000);
  changeTree(source, prng);
  writeFileSync(`${source}/letter.txt`, 'first words\n');
  const second = resultOf<{ safeset: string; uploadedBytes: number }>(await place.run('backup', [source], options));
  assert.ok(second.uploadedBytes < first.uploadedBytes);
  const { safesets } = resultOf<{ safesets: { safeset: string }[] }>(await place.run('safesets', [], options));
  assert.deepEqual(
    safesets.map(({ safeset }) => safeset),
    [first.safeset, second.safeset],
  );
  for (const [safeset, original] of [
    [first.safeset, copy],
    [second.safeset, source],
  ] as const) {
    const to = place.path(`back-${safeset}`);
    const words = [...place.secret, '--safeset', safeset, '--to', to, '--strip', source];
    resultOf(await place.run('restore', words, options));
    assert.deepEqual(differencesBelow(original, to), []);
  }
});

test('every verb that looks at a vault looks at one far away', async () => {
  const secret = place.secret;
  const listed = expectExit(await place.run('ls', [...secret, '--safeset', 'latest', source], options), 0);
  assert.match(listed.stdout.toString(), /letter\.txt/u);
  const base = ['--vault', site.address, '--safe', 'home', '--state', place.state];
  const read = expectExit(
    await twinvault(['cat', ...base, ...secret, '--safeset', 'latest', `${source}/letter.txt`], options),
    0,
  );
  assert.equal(read.stdout.toString(), 'first words\n');
  expectExit(await place.run('find', [...secret, 'letter*'], options), 0);
  expectExit(await place.run('history', [...secret, `${source}/letter.txt`], options), 0);
  expectExit(await place.run('verify', [], options), 0);
  expectExit(await twinvault(['keep', '--vault', site.address, '--safe', 'home', '--json'], options), 0);
  expectExit(await twinvault(['safe', 'agents', '--vault', site.address, '--safe', 'home'], options), 0);
  expectExit(await place.run('safe hold', [...secret, '--note', 'case 7', 'latest'], options), 0);
  const other = `${root}/second-state`;
  const enrol = ['safe', 'enrol', '--vault', site.address, '--safe', 'home', '--state', other, '--computer', 'second', ...secret];
  expectExit(await twinvault(enrol, options), 0);
  const words = ['backup', '--vault', site.address, '--safe', 'home', '--state', other, '--json', source];
  const second = resultOf<{ result: string; sequence: number }>(await twinvault(words, options));
  assert.deepEqual([second.result, second.sequence], ['ok', 1]);
});

test('the token file alone names the site', async () => {
  const words = ['safesets', '--safe', 'home', '--json'];
  const { safesets } = resultOf<{ safesets: object[] }>(await twinvault(words, options));
  assert.equal(safesets.length, 3);
  const comma = `${root}/a,b.token`;
  writeFileSync(comma, readFileSync(options.environment?.['TWINVAULT_TOKEN_FILE'] ?? ''));
  resultOf(await twinvault([...words, '--token-file', comma]));
  assert.match(errorOf(await twinvault(words), 2).message, /Say which vault: --vault .* or --token-file/u);
  errorOf(await twinvault([...words, '--token-file', `${root}/x,${root}/y`]), 11);
});

test('a token of one safe shows nothing of another', async () => {
  const words = ['--vault', site.address, '--state', place.state, '--json'];
  for (const name of ['other', '00'.repeat(16)]) {
    const told = errorOf(await twinvault(['safesets', '--safe', name, ...words], options), 11);
    assert.equal(told.message, `There is no safe "${name}" in this vault. It holds "home".`);
  }
});

test('what is wrong with a token or an address is said in a sentence', async () => {
  const words = ['safesets', '--vault', site.address, '--safe', 'home', '--state', place.state, '--json'];
  assert.match(errorOf(await twinvault(words), 2).message, /--token-file/u);
  assert.match(errorOf(await twinvault([...words, '--token-file', `${root}/nowhere`]), 11).message, /no token file/u);
  errorOf(await twinvault([...words, '--token-file', place.passwordFile]), 2);
  const day = 24 * 3_600_000;
  const times = { notBeforeMs: Date.now() - 3 * day, endsMs: Date.now() - 2 * day };
  const ended = await site.token('ended', { verbs: ['write'], safe, ...times });
  assert.match(errorOf(await twinvault([...words, '--token-file', ended]), 9).message, /ended/u);
  const reading = await site.token('reading', { verbs: ['read'], safe });
  expectExit(await twinvault([...words, '--token-file', reading]), 0);
  const denied = await place.run('backup', [source, '--token-file', reading]);
  assert.match(errorOf(denied, 9).message, /write/u);
  const pins = [`sha256:${'00'.repeat(32)}`];
  const foreign = await site.token('foreign', { verbs: ['write'], safe, pins });
  assert.match(errorOf(await twinvault([...words, '--token-file', foreign]), 12).message, /certificate/u);
  const unpinned = await site.token('unpinned', { verbs: ['write'], safe, pins: [] });
  errorOf(await twinvault([...words, '--token-file', unpinned]), 12);
  const plain = site.address.replace('https', 'http');
  errorOf(await twinvault(['safesets', '--vault', plain, '--safe', 'home', '--json'], options), 2);
  const elsewhere = await twinvault(['safesets', '--vault', `${site.address}/b`, '--safe', 'home', '--json'], options);
  assert.match(errorOf(elsewhere, 2).message, /is a token for .*\/a, and --vault .* says .*\/a\/b\. Leave --vault out/u);
  const wrongPath = `${root}/wrong-path.token`;
  const token = JSON.parse(readFileSync(reading, 'utf8')) as { vault: string };
  writeFileSync(wrongPath, JSON.stringify({ ...token, vault: `${site.address}/b` }));
  errorOf(await twinvault(['safesets', '--token-file', wrongPath, '--safe', 'home', '--json']), 6);
});

test('the site itself checks, cleans and rebuilds for its operator, and for nobody else', async () => {
  const operator: CommandOptions = {
    environment: { TWINVAULT_TOKEN_FILE: await site.token('operator-2', { verbs: ['read', 'operate'] }) },
  };
  const at = ['--vault', site.address, '--json'];
  const checked = resultOf<{ ok: boolean; safes: number; packs: number; readBytes: number }>(
    await twinvault(['check', '--read-data', ...at], operator),
  );
  assert.ok(checked.ok && checked.safes === 2 && checked.packs > 2 && checked.readBytes > 1_000_000);
  const keyed = await twinvault(['check', '--safe', 'home', '--state', place.state, ...place.secret, ...at], operator);
  assert.equal(resultOf<{ sealed: { safesets: number } }>(keyed).sealed.safesets, 3);
  const rules = ['--days', '3650', '--copies', '1000'];
  const cleaned = resultOf<{ records: { safeset: string; action: string }[]; totalPacks: number }>(
    await twinvault(['clean', '--safe', 'home', ...rules, ...at], operator),
  );
  assert.ok(cleaned.records.length >= 3 && cleaned.records.every(({ action, safeset }) => action === 'keep' && safeset !== null));
  assert.equal(cleaned.totalPacks > 0, true);
  const rebuilt = resultOf<{ safes: { differing: number; damaged: number }[] }>(await twinvault(['rebuild', ...at], operator));
  assert.deepEqual(
    rebuilt.safes.map(({ differing, damaged }) => [differing, damaged]),
    [
      [0, 0],
      [0, 0],
    ],
  );
  for (const words of [['check'], ['rebuild'], ['clean', '--safe', 'home', ...rules]]) {
    assert.match(errorOf(await twinvault([...words, ...at], options), 9).message, /operate/u);
  }
});

test('an operator sees and says whose each safe is, and nobody else', async () => {
  const operator: CommandOptions = {
    environment: { TWINVAULT_TOKEN_FILE: await site.token('operator-3', { verbs: ['operate'] }) },
  };
  const at = ['--vault', site.address, '--json'];
  const whose = async (words: readonly string[]): Promise<Record<string, string>> => {
    const { safes } = resultOf<{ safes: { label: string; customer: string }[] }>(await twinvault(words, operator));
    return Object.fromEntries(safes.map(({ label, customer }) => [label, customer]));
  };
  assert.equal((await whose(['vault', 'safes', ...at]))['home'], safe);
  const assign = ['vault', 'assign', '--safe', 'home', '--customer', 'Ada & Co', ...at];
  assert.match(errorOf(await twinvault(assign, options), 9).message, /operate/u);
  assert.match(errorOf(await twinvault(['vault', 'safes', ...at], options), 9).message, /operate/u);
  resultOf(await twinvault(assign, operator));
  assert.deepEqual(await whose(['vault', 'safes', '--customer', 'Ada & Co', ...at]), { home: 'Ada & Co' });
  assert.deepEqual(await whose(['vault', 'safes', '--customer', 'Ada & Co', '--vault', site.vault, '--json']), {
    home: 'Ada & Co',
  });
  const usage = await twinvault(['vault', 'usage', '--customer', 'Ada & Co', ...at], operator);
  const { rows, safesets } = resultOf<{ rows: { safe: string; safesets: number }[]; safesets: number }>(usage);
  assert.ok(rows.every((row) => row.safe === safe));
  assert.equal(
    safesets,
    rows.reduce((sum, row) => sum + row.safesets, 0),
  );
  assert.match(errorOf(await twinvault(['vault', 'usage', ...at], options), 9).message, /operate/u);
  const token = (words: readonly string[]): string[] => [
    'vault',
    'token',
    '--config',
    `${root}/site/site.yaml`,
    ...words,
    '--json',
  ];
  const ofAda = ['--token-file', `${root}/ada.token`, '--customer', 'Ada & Co'];
  errorOf(await twinvault(token([...ofAda, '--safe', safe])), 2);
  resultOf(await twinvault(token([...ofAda, '--all-safes', '--verbs', 'create'])));
});

test('a proxy is used, signed in to, and its refusal told', async () => {
  const seen: string[] = [];
  const sockets = new Set<net.Socket>();
  const proxy = http.createServer();
  proxy.on('connection', (socket) => sockets.add(socket));
  proxy.on('connect', (incoming, client: net.Socket) => {
    seen.push(incoming.url ?? '');
    if (incoming.headers['proxy-authorization'] !== `Basic ${Buffer.from('ada:secret').toString('base64')}`) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const { hostname, port } = new URL(`http://${incoming.url}`);
    const onward = net.connect(Number(port), hostname, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(client).pipe(onward);
    });
    sockets.add(onward);
    for (const socket of [client, onward]) socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  after(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  const { port } = proxy.address() as AddressInfo;
  const through = (user: string): CommandOptions => ({
    environment: { ...options.environment, https_proxy: `http://${user}@127.0.0.1:${port}` },
  });
  expectExit(await place.run('safesets', [], through('ada:secret')), 0);
  assert.ok(seen.length >= 1 && seen.every((target) => site.address.includes(target)));
  errorOf(await place.run('safesets', [], through('ada:guess')), 9);
});

test('limits of bandwidth hold, and mistakes in them are told', async () => {
  writeFileSync(`${source}/noise`, prng.bytes(600_000));
  const words = [source, '--limit-upload', '300k', '--limit-upload', '1M@08:00-09:00'];
  const limited = await place.run('backup', [source, '--limit-upload', '400k'], options);
  const told = resultOf<{ start: string; end: string; uploadedBytes: number }>(limited);
  const tookMs = Date.parse(told.end) - Date.parse(told.start);
  assert.ok(told.uploadedBytes > 500_000 && tookMs >= 0.8 * (told.uploadedBytes / 409_600) * 1000 - 1000, `${tookMs} ms`);
  expectExit(await place.run('backup', words, options), 0);
  errorOf(await place.run('backup', [source, '--limit-upload', 'fast'], options), 2);
  errorOf(await place.run('backup', [source, '--limit-upload', '1M@25:00-3:00'], options), 2);
});

test('a site that is gone is told as such, and nothing of the token is', async () => {
  site.running.child.kill('SIGTERM');
  await site.running.ended;
  const gone = await place.run('safesets', [], { ...options, limitMs: 60_000 });
  errorOf(gone, 14);
  const token = readFileSync(options.environment?.['TWINVAULT_TOKEN_FILE'] ?? '', 'utf8');
  const { capability } = JSON.parse(token) as { capability: string };
  assert.ok(!gone.told.includes(capability) && existsSync(place.state));
});
