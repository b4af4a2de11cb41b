/*
 * However a scan is divided into parts and threads, it is the same walk: over any tree, whatever changed in it since, one to four threads give the
 * events that one walk gives. Threads in the same thread for most of it, real ones for the rest.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { unpackEntries } from '@twinvault/engine';
import type { ScannedEntry, ScanRules } from '@twinvault/engine';
import type { Threads } from '@twinvault/std';
import { nodeThreads, systemClock } from '@twinvault/std/node';
import { inlineThreads } from '@twinvault/testkit';
import { orderedScan } from '../src/linux/ordered-scan.ts';
import type { OrderedScanOptions } from '../src/linux/ordered-scan.ts';
import { parseAbsolutePath } from '../src/paths.ts';

const skip = process.platform !== 'linux' && 'Linux only';
const base = realpathSync(mkdtempSync(join(tmpdir(), 'twinvault-ordered-')));
after(() => rmSync(base, { recursive: true, force: true }));

/** Paths of files below a root; what several share are directories. Some names are cached directories, links, or left out. */
const tree = fc.uniqueArray(
  fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e.tmp', 'ä', 'CACHEDIR.TAG', 'to-a'), { minLength: 1, maxLength: 7 }),
  { maxLength: 80, selector: (parts) => parts.join('/') },
);

const rules = fc.record<ScanRules>({
  excludes: fc.constantFrom([], ['*.tmp'], ['/a/b', 'c/*/d']),
  skipCaches: fc.boolean(),
  oneFileSystem: fc.boolean(),
});

let made = 0;

function make(paths: readonly (readonly string[])[]): string {
  made += 1;
  const root = join(base, String(made));
  mkdirSync(root);
  change(root, paths);
  return root;
}

function change(root: string, paths: readonly (readonly string[])[]): void {
  for (const parts of paths) {
    const path = join(root, ...parts);
    try {
      mkdirSync(join(path, '..'), { recursive: true });
      if (parts.at(-1) === 'to-a') symlinkSync('a', path);
      else writeFileSync(path, parts.includes('CACHEDIR.TAG') ? 'Signature: 8a477f597d28d172789f06886806bc55' : parts.join());
    } catch {
      // A file stands where a directory would have to be, or the other way round.
    }
  }
}

/** The folders above ours are others' too, who change them as they like. */
function isAbove({ directory, name }: ScannedEntry): boolean {
  const path = Buffer.concat([directory, Buffer.from('/'), name])
    .toString()
    .replace(/^\/*/u, '/');
  return base.startsWith(`${path}/`);
}

/** The file system finds room for what was written when it likes. */
function withoutBlocks(entry: ScannedEntry): unknown {
  return { ...entry, stat: { ...entry.stat, blocks: 0 } };
}

async function events(root: string, options: Omit<OrderedScanOptions, 'roots'>): Promise<unknown[]> {
  const path = parseAbsolutePath(Buffer.from(root));
  assert.ok(path !== null);
  const all: unknown[] = [];
  const partial: string[] = [];
  for await (const batch of orderedScan({ ...options, roots: [path] }, new AbortController().signal)) {
    for (const event of batch) {
      // These stand anywhere between the others.
      if (event.type === 'partial') partial.push(Buffer.from(event.directory).toString('hex'));
      else if (event.type !== 'entries') all.push(event);
      else for (const entry of unpackEntries(event)) all.push(isAbove(entry) ? { ...entry, stat: null } : withoutBlocks(entry));
    }
  }
  return [...all, partial.sort()];
}

function parallel(threads: Threads, parallelism: number): NonNullable<OrderedScanOptions['platform']> {
  return { threads: { parallelism, start: (module, data) => threads.start(module, data) }, clock: systemClock };
}

test('any tree, any change, one to four threads: the same events', { skip }, async () => {
  await fc.assert(
    fc.asyncProperty(tree, tree, rules, fc.integer({ min: 1, max: 30 }), async (before, then, given, partEntries) => {
      const root = make(before);
      try {
        for (const paths of [before, then]) {
          change(root, paths);
          const expected = await events(root, { rules: given, platform: null });
          for (const parallelism of [1, 2, 3, 4]) {
            const platform = parallel(inlineThreads(), parallelism);
            assert.deepEqual(await events(root, { rules: given, platform, partEntries, aloneMs: 0 }), expected);
          }
        }
      } finally {
        rmSync(root, { recursive: true });
      }
    }),
    { numRuns: 40 },
  );
});

test('real threads, a wide and a deep folder; all that was open is closed', { skip }, async () => {
  const deep = Array.from({ length: 150 }, (_, depth) => [...Array.from({ length: depth }, () => 'down'), `f${depth}`]);
  const wide = Array.from({ length: 1500 }, (_, index) => ['wide', `f${index}`]);
  const many = Array.from({ length: 300 }, (_, index) => ['many', `d${index}`, 'x']);
  const root = make([...deep, ...wide, ...many]);
  const given = { excludes: [], skipCaches: true, oneFileSystem: false };
  const expected = await events(root, { rules: given, platform: null });
  const before = readdirSync('/proc/self/fd').length;
  const found = await events(root, { rules: given, platform: parallel(nodeThreads, 3), partEntries: 50, aloneMs: 0 });
  assert.deepEqual(found, expected);
  assert.ok(readdirSync('/proc/self/fd').length <= before, 'no descriptor stays open');
});

test('threads are started when walking is what takes the time', { skip }, async () => {
  const root = make(Array.from({ length: 400 }, (_, index) => ['many', `d${index}`, 'x']));
  const path = parseAbsolutePath(Buffer.from(root));
  assert.ok(path !== null);
  for (const [walkingMs, betweenMs, starts] of [
    [0, 60_000, false],
    [10, 60_000, false],
    [10, 100, false],
    [10, 0, true],
  ] as const) {
    let nowMs = 0;
    let started = 0;
    const clock = { ...systemClock, monotonicMs: () => (nowMs += walkingMs) };
    const threads: Threads = {
      parallelism: 2,
      start: (module, data) => ((started += 1), inlineThreads().start(module, data)),
    };
    const given = { excludes: [], skipCaches: true, oneFileSystem: false };
    const options = { roots: [path], rules: given, platform: { threads, clock }, partEntries: 20, aloneMs: 50 };
    let batches = 0;
    for await (const batch of orderedScan(options, new AbortController().signal)) {
      assert.ok(batch.length > 0);
      batches += 1;
      nowMs += betweenMs;
    }
    assert.ok(batches > 10);
    assert.equal(started > 0, starts, `${walkingMs} ms for a walk, ${betweenMs} ms between`);
  }
});

test('an aborted scan ends its threads and leaves no descriptor open', { skip }, async () => {
  const root = make(Array.from({ length: 400 }, (_, index) => ['many', `d${index}`, 'x']));
  const before = readdirSync('/proc/self/fd').length;
  const controller = new AbortController();
  const path = parseAbsolutePath(Buffer.from(root));
  assert.ok(path !== null);
  const given = { excludes: [], skipCaches: true, oneFileSystem: false };
  const options = { roots: [path], rules: given, platform: parallel(nodeThreads, 2), partEntries: 20, aloneMs: 0 };
  await assert.rejects(async () => {
    let batches = 0;
    for await (const batch of orderedScan(options, controller.signal)) {
      assert.ok(batch.length > 0);
      batches += 1;
      if (batches === 5) controller.abort(new Error('enough'));
    }
  }, /enough/);
  assert.ok(readdirSync('/proc/self/fd').length <= before, 'no descriptor stays open');
});
