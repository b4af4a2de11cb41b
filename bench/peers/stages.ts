/*
 * Which stage of a run a moment of a thread belongs to. A sample of Node's profiler is a stack of functions; seen from the innermost
 * one outwards, the first that a rule knows names the stage. So hashing counts as hashing whoever asked for it, and a system call
 * as reading or writing or scanning, by who made it.
 */

export interface StageRule {
  readonly stage: string;
  /** What the function's file begins with, below the repository; or `node:` and the beginning of a module of Node. */
  readonly path: string;
  /** Only these functions of it; left out: all. */
  readonly functions?: RegExp;
}

export const waiting = 'waiting';
export const otherStage = 'other';

const source = (stage: string, ...paths: readonly string[]): StageRule[] => paths.map((path) => ({ stage, path }));

const bulkPath = 'packages/std/src/node/bulk/';

/** The first that matches a function holds. */
export const stageRules: readonly StageRule[] = [
  { stage: 'compress', path: bulkPath, functions: /^#?(zstdC|c)ompress/ },
  { stage: 'decompress', path: bulkPath, functions: /^(zstdD|d|#newD)ecompress/ },
  { stage: 'seal', path: bulkPath, functions: /^(gcmSeal|seal)/ },
  { stage: 'unseal', path: bulkPath, functions: /^(gcmOpen|open)/ },
  { stage: 'compress', path: 'packages/seal/src/payload.ts', functions: /^(sampleCompresses|looksRandom|compressInto|saves)/ },
  { stage: 'hash', path: 'packages/std/src/node/primitives.ts', functions: /^(hash|hmac|update|digest|sha256|hmacSha256)/ },
  ...source('hash', 'packages/seal/src/blobs.ts', 'packages/std/src/siphash.ts'),
  ...source('cut', 'packages/seal/src/cutting/', 'packages/engine/src/workers/bundler.ts'),
  ...source('compare pages', 'packages/seal/src/pages/', 'packages/engine/src/delta/'),
  ...source('read files', 'packages/sources/src/linux/reader.ts', 'packages/sources/src/linux/xattrs.ts'),
  ...source('read files', 'packages/engine/src/workers/entry-reader.ts', 'packages/engine/src/workers/content.ts'),
  ...source(
    'scan',
    'packages/sources/src/linux/scanner.ts',
    'packages/sources/src/linux/listing.ts',
    'packages/sources/src/linux/status.ts',
  ),
  ...source('scan', 'packages/sources/src/rules/', 'packages/engine/src/scan/'),
  ...source('catalog', 'packages/seal/src/catalog/', 'packages/engine/src/catalog/', 'packages/engine/src/entries/'),
  ...source('known chunks', 'packages/engine/src/dedup/'),
  ...source(
    'local state',
    'packages/engine/src/state/',
    'packages/engine/src/state-packs/',
    'packages/std/src/node/node-databases.ts',
  ),
  ...source('commit', 'packages/vault/src/commit/', 'packages/engine/src/run/commit.ts', 'packages/seal/src/sealed-record.ts'),
  ...source('commit', 'packages/format/src/record', 'packages/format/src/refs.ts', 'packages/format/src/receipt.ts'),
  ...source('pack', 'packages/seal/src/pack', 'packages/format/src/pack', 'packages/engine/src/upload/pack-sink.ts'),
  ...source('write files', 'packages/sources/src/linux/target', 'packages/sources/src/linux/placing.ts'),
  ...source('write files', 'packages/engine/src/restore/thread.ts'),
  ...source('write files', 'packages/engine/src/restore/directories.ts', 'packages/engine/src/restore/links.ts'),
  ...source('fetch', 'packages/engine/src/restore/fetch.ts', 'packages/vault/src/reading/', 'packages/vault/src/check/'),
  ...source('plan', 'packages/engine/src/restore/', 'packages/seal/src/reader/'),
  ...source('store', 'packages/engine/src/upload/', 'packages/vault/src/packs/', 'packages/vault/src/sessions/'),
  ...source('store', 'packages/vault/src/store/', 'packages/vault/src/live/', 'packages/vault/src/leases/'),
  ...source('open safe', 'packages/seal/src/open-safe.ts', 'packages/seal/src/slots.ts', 'packages/format/src/ledger'),
  ...source('hand over', 'packages/engine/src/workers/', 'packages/std/src/node/thread', 'packages/std/src/node/node-threads.ts'),
  ...source('show', 'apps/twinvault/src/output/'),
  ...source('start-up', 'node:internal/modules', 'node:internal/bootstrap', 'node:internal/deps', 'node:internal/main'),
  ...source('start-up', 'node:internal/process', 'node:internal/vm', 'node:internal/source_map'),
];

/** For a stack in which no function is one of the above. What many stages use (bytes, system calls) is named in neither list. */
export const restRules: readonly StageRule[] = [
  ...source(
    'run',
    'packages/engine/src/',
    'packages/vault/src/',
    'packages/seal/src/',
    'packages/format/src/',
    'packages/sources/src/',
  ),
  ...source('run', 'apps/twinvault/src/verbs/', 'apps/twinvault/src/wiring/'),
  ...source('start-up', 'apps/twinvault/src/', 'packages/', 'node:'),
];

export interface Frame {
  readonly functionName: string;
  /** As the profiler gives it. */
  readonly url: string;
}

/** Pieces that the profiler names itself. */
const ownNames: ReadonlyMap<string, string> = new Map([
  ['(idle)', waiting],
  ['(garbage collector)', 'garbage collection'],
  ['(program)', 'Node itself'],
  ['(root)', 'Node itself'],
]);

function placeOf(url: string, root: string): string {
  return url.startsWith(root) ? url.slice(root.length) : url;
}

/** `stack`: the innermost first; `root`: URL of the repository with its last slash. */
export function stageOf(stack: readonly Frame[], root: string): string {
  const own = ownNames.get(stack[0]?.functionName ?? '');
  if (own !== undefined) return own;
  for (const rules of [stageRules, restRules]) {
    for (const { functionName, url } of stack) {
      const place = placeOf(url, root);
      const rule = rules.find(({ path, functions }) => place.startsWith(path) && (functions?.test(functionName) ?? true));
      if (rule !== undefined) return rule.stage;
    }
  }
  return otherStage;
}
