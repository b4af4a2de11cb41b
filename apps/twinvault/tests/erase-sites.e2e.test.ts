/*
 * Erasing at two sites that serve: an order waits for the twin and can be taken back; both carry it out, each signs; whatever asks for what is gone is told
 * so; and neither a site that was down, nor one whose disk was put back to an image from before, nor a disk brings it back.
 */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseEraseCertificate } from '@twinvault/format';
import { openTwinSource, parseTokenFile } from '@twinvault/protocol/wire';
import { fromHex } from '@twinvault/std';
import { nodeNetwork, nodePlatform } from '@twinvault/std/node';
import { safeIdFromHex } from '@twinvault/format';
import { errorOf, resultOf, twinvault } from './support/command.ts';
import type { Outcome } from './support/command.ts';
import { temporaryDirectory } from './support/place.ts';
import type { SteadySite } from './support/steady-site.ts';
import { startTwins } from './support/twins.ts';

interface Order {
  readonly place: string;
  readonly order: string;
  readonly state: string;
  readonly certificate: { readonly removed: readonly { kind: string; objects: number }[]; readonly uncounted: number } | null;
  readonly verifiedBy: { readonly known: string } | null;
}

interface Seed {
  readonly objects: number;
  readonly safesets: number;
  readonly left: readonly { readonly kind: string; readonly code: string }[];
}

const root = temporaryDirectory('erase-sites');
const state = ['--state', join(root, 'state')];
const password = ['--password-file', join(root, 'password')];
writeFileSync(join(root, 'password'), 'seven wet ponies at noon\n', { mode: 0o600 });
const files = join(root, 'files');
mkdirSync(files);
for (let number = 0; number < 20; number += 1) writeFileSync(join(files, `${number}`), String(Math.random()).repeat(5000));

async function run(words: readonly string[], status = 0): Promise<Readonly<Record<string, unknown>>> {
  return resultOf(await twinvault([...words, '--json']), status);
}

/** Until every order that was not taken back is done at these sites. */
async function untilDone(tokens: string): Promise<readonly Order[]> {
  for (;;) {
    const outcome = await twinvault(['vault', 'certificate', '--token-file', tokens, '--safe', 'home', '--json']);
    if (outcome.status === 0) return resultOf<{ orders: readonly Order[] }>(outcome).orders;
    // Waits, is begun, or the site is only just starting, or has not taken the safe in yet.
    assert.ok([3, 11, 14].includes(outcome.status ?? -1), outcome.told);
  }
}

async function untilState(token: string, wanted: string): Promise<void> {
  for (;;) {
    const outcome = await twinvault(['vault', 'certificate', '--token-file', token, '--safe', 'home', '--json']);
    if (outcome.status === 3 && resultOf<{ orders: readonly Order[] }>(outcome, 3).orders.at(-1)?.state === wanted) return;
  }
}

async function untilTold(token: string, safesets: number): Promise<void> {
  for (;;) {
    const outcome = await twinvault(['safesets', '--token-file', token, '--safe', 'home', ...state, '--json']);
    if (outcome.status === 0 && resultOf<{ safesets: readonly object[] }>(outcome).safesets.length === safesets) return;
  }
}

/** Folders of the safe at a site that hold anything. */
function foldersOf({ site }: SteadySite, safe: string): string[] {
  const folder = join(site.vault, 'safes', safe);
  const full = (path: string): boolean =>
    readdirSync(path, { recursive: true, withFileTypes: true }).some((entry) => entry.isFile());
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() && !full(join(folder, entry.name)) ? [] : [entry.name],
  );
}

const proof: ReadonlySet<string> = new Set(['customer', 'descriptor', 'erased', 'erases', 'follows', 'ledger', 'locks', 'twins']);

/** Nothing but the proof is there, on disk, in the feed, or for anybody who asks. */
async function assertGone(site: SteadySite, safe: string, token: string): Promise<void> {
  assert.deepEqual(
    foldersOf(site, safe).filter((folder) => !proof.has(folder)),
    [],
  );
  const own = ['--token-file', token, '--safe', 'home', ...state];
  const asked: readonly (readonly string[])[] = [
    ['backup', ...own, '--job', 'files', files],
    ['restore', ...own, ...password, '--job', 'files', '--safeset', 'latest', '--to', join(root, 'never')],
    ['safesets', ...own],
  ];
  for (const words of asked) assert.equal(errorOf(await twinvault([...words, '--json']), 11).code, 'erased', words.join(' '));
  assert.ok(!existsSync(join(root, 'never')));
  await run(['check', '--token-file', token, '--safe', 'home', '--read-data']);
  const { vault, pins, capability } = parseTokenFile(readFileSync(join(site.root, 'look.token')));
  const { clock, timers, random } = nodePlatform();
  using network = nodeNetwork({ pins });
  await using held = new AsyncDisposableStack();
  const source = held.use(await openTwinSource({ address: vault, capability, ports: { network, clock, timers, random } }));
  const id = safeIdFromHex(safe);
  const page = await source.feed(id, { after: 0, waitMs: 0 });
  const kinds = new Set(page.events.map(({ kind }) => kind));
  assert.deepEqual(
    [...kinds].filter((kind) => kind !== 'erase' && kind !== 'ledger'),
    [],
  );
}

async function byTwo(step: {
  readonly propose: readonly string[];
  readonly name: string;
  readonly confirm?: string;
  readonly at: string;
}): Promise<Outcome> {
  const file = join(root, step.name);
  const key = (who: string): string[] => ['--key-file', join(root, `${who}.key`)];
  await run(['vault', 'erase', '--token-file', step.at, ...key('anna'), '--safe', 'home', ...step.propose, '--propose', file]);
  const confirm = step.confirm === undefined ? [] : ['--confirm', step.confirm];
  return await twinvault(['vault', 'erase', '--token-file', step.at, ...key('ben'), '--countersign', file, ...confirm, '--json']);
}

test('two sites erase a safe that two operators ordered away, and nothing brings it back', async (t) => {
  const lines = ['care: { eraseWaitHours: 0 }'];
  const { a, b } = await startTwins(root, { lines: { a: lines, b: lines } });
  const token = async ({ site }: SteadySite): Promise<string> =>
    await site.token('own.token', { verbs: ['create', 'write', 'operate'] });
  const tokens = { a: await token(a), b: await token(b) };
  for (const { site } of [a, b]) await site.token('look.token', { verbs: ['follow'] });
  const both = `${tokens.a},${tokens.b}`;
  const own = ['--token-file', tokens.a, '--safe', 'home', ...state];
  await run(['init', ...own, ...password, '--kit-file', join(root, 'kit.txt'), '--computer', 'one']);
  for (const who of ['anna', 'ben']) {
    const pub = join(root, `${who}.pub`);
    await run(['vault', 'operator-key', '--name', who, '--key-file', join(root, `${who}.key`), '--public-file', pub]);
    await run(['safe', 'operator', ...own, ...password, '--add', pub]);
  }
  for (const job of ['files', 'more']) await run(['backup', ...own, '--job', job, files]);
  await untilTold(tokens.b, 2);
  const disk = join(root, 'disk');
  mkdirSync(disk);
  await run(['seed', 'create', disk, files, '--safe', 'home', '--job', 'seeded', ...state]);
  const safe = readdirSync(join(a.site.vault, 'safes')).find((name) => /^[0-9a-f]{32}$/u.test(name)) ?? '';
  assert.equal(fromHex(safe)?.length, 16);

  t.diagnostic('while the twin is down the order waits, and two take it back');
  await a.stop();
  a.saveImage();
  await a.start();
  await b.stop();
  b.saveImage();
  resultOf(await byTwo({ propose: ['--whole'], name: 'one.json', confirm: 'home', at: tokens.a }));
  await untilState(tokens.a, 'apart');
  assert.equal(
    resultOf<{ away: object[] }>(await twinvault(['vault', 'certificate', '--token-file', both, '--safe', 'home', '--json']), 3)
      .away.length,
    1,
  );
  await run(['backup', ...own, '--job', 'files', files]);
  resultOf(await byTwo({ propose: ['--cancel', 'all'], name: 'back.json', at: tokens.a }));
  await run(['vault', 'certificate', '--token-file', tokens.a, '--safe', 'home']);
  await run(['restore', ...own, ...password, '--job', 'files', '--safeset', 'latest', '--to', join(root, 'back')]);

  t.diagnostic('when it is back both carry out the next one, and sign');
  resultOf(await byTwo({ propose: ['--whole'], name: 'two.json', confirm: 'home', at: tokens.a }));
  await untilState(tokens.a, 'apart');
  await b.start();
  const orders = await untilDone(both);
  assert.deepEqual(orders.map((order) => order.state).sort(), ['cancelled', 'cancelled', 'done', 'done']);
  for (const { certificate, verifiedBy } of orders.filter((order) => order.state === 'done')) {
    const removed = new Map(certificate?.removed.map(({ kind, objects }) => [kind, objects]));
    assert.ok((removed.get('slots') ?? 0) >= 2 && (removed.get('packs') ?? 0) >= 2 && (removed.get('records') ?? 0) >= 2);
    assert.deepEqual([certificate?.uncounted, verifiedBy?.known], [0, 'token']);
  }
  const out = join(root, 'certificates.jsonl');
  await run(['vault', 'certificate', '--token-file', both, '--safe', 'home', '--out', out]);
  const sites = readFileSync(out, 'utf8')
    .trim()
    .split('\n')
    .map((line) => parseEraseCertificate(line).site);
  assert.equal(new Set(sites.map(String)).size, 2);
  await assertGone(a, safe, tokens.a);
  await assertGone(b, safe, tokens.b);

  t.diagnostic('a disk that was on its way is not taken in');
  for (const site of [a, b]) {
    const outcome = await twinvault(['seed', 'import', disk, '--config', site.config, '--json']);
    const [seed] = resultOf<{ seeds: readonly Seed[] }>(outcome, 3).seeds;
    assert.deepEqual([seed?.objects, seed?.safesets], [0, 0]);
    assert.ok(seed !== undefined && seed.left.some(({ kind }) => kind === 'record'));
    assert.deepEqual([...new Set(seed.left.map(({ code }) => code))], ['erased']);
  }

  for (const [name, site] of Object.entries({ 'the twin': b, home: a })) {
    t.diagnostic(`the disk of ${name} is put back to an image from before: it replays the order and erases again`);
    await site.stop();
    site.putBack();
    assert.ok(foldersOf(site, safe).includes('packs'));
    await site.start();
    while (foldersOf(site, safe).includes('packs')) await new Promise((resolve) => setImmediate(resolve));
    await untilDone(both);
    await assertGone(a, safe, tokens.a);
    await assertGone(b, safe, tokens.b);
  }
});
