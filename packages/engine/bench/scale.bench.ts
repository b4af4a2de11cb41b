/*
 * What does a run in which nothing changed cost in a large safe, in time and in memory, and what grows with it?
 *
 * The safe is made up: a live list of packs that do not exist, and a catalog cache of files that do not exist, which the
 * scan finds as the cache has them. The run is a real one (engine, state, catalog, refs) in a process of its own, whose
 * largest resident set is measured; nothing is read but the cache.
 *
 * Sketch: a chunk is 24 bytes in a table that is at most 7/8 full, and its row in the live list 144 bytes that are read once;
 * an entry is some 200 bytes that are read, hashed and written once, and compared with what the scan says.
 *
 *   npm run bench -- scale                                              100,000 files, 1/16 TiB
 *   BENCH_TIB=1 BENCH_FILES=1000000 npm run bench -- scale              a safe of 1 TiB
 *   BENCH_TIB=1 BENCH_FILES=100000000 npm run bench -- scale            needs 60 GB of disk
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { MiB, primitives, utf8Encode } from '@twinvault/std';
import { nodePlatform } from '@twinvault/std/node';
import {
  chunkId,
  computerId,
  encodePackHeader,
  encodePackTail,
  encodeReceipt,
  packKinds,
  packName,
  parseRecord,
} from '@twinvault/format';
import type { CertificateId, ChunkId, PackRow, SafeId } from '@twinvault/format';
import { backup, entryTypes, openAgentState, packEntries } from '@twinvault/engine';
import type { JobState, BackupReport, EntryStat, FileSource, ScanEvent, ScannedEntry } from '@twinvault/engine';
import type { LivePack, VaultSafe, VaultSession } from '@twinvault/protocol';
import { SipHasher, enrolHere, entryKey, kindKeys, makeSafe } from '@twinvault/seal';
import type { AgentKeys } from '@twinvault/seal';
import { createDirectoryVault, openDirectoryVault } from '@twinvault/vault';
import { writeBody } from '../src/entries/entry-body.ts';
import { noDetails } from '../src/entries/entry-details.ts';
import { PackedWriter } from '../src/entries/packed-writer.ts';
import { encodeChain } from '../src/state-packs/state-chain.ts';
import { CacheWriter } from '../src/state/catalog-cache.ts';

const files = Number(process.env['BENCH_FILES'] ?? 100_000);
const tebibytes = Number(process.env['BENCH_TIB'] ?? 1 / 16);
const filesPerDirectory = 1000;
const filesPerBundle = 64;
const chunksPerPack = 20;
const job = 'bench';
const name = (index: number, letter: string): Uint8Array => utf8Encode(`${letter}${String(index).padStart(9, '0')}.document`);
const siteSeed = new Uint8Array(32).fill(7);
const startMs = 1_700_000_000_000;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function madeUpId(kind: string, index: number): ChunkId {
  return chunkId(primitives.sha256(utf8Encode(`${kind} ${index}`)));
}

interface Entry {
  readonly directory: Uint8Array;
  readonly name: Uint8Array;
  readonly stat: EntryStat;
  /** Of files. */
  readonly index: number | null;
}

function statOf(type: EntryStat['type'], inode: number, sizeBytes: number): EntryStat {
  const times = {
    mtimeSeconds: 1_600_000_000 + (inode % 1000),
    mtimeNanos: inode % 997,
    ctimeSeconds: 1_600_000_000,
    ctimeNanos: 5,
  };
  const owner = { mode: 0o644, uid: 1000, gid: 1000, device: 64_769, inode, linkCount: 1, deviceMajor: 0, deviceMinor: 0 };
  return { type, sizeBytes, blocks: Math.ceil(sizeBytes / 512), ...times, ...owner };
}

/** All entries in key order: "root" in the root, folders in it, files in them. */
function* entries(): Generator<Entry, void, undefined> {
  const root = utf8Encode('root');
  const directories = Math.ceil(files / filesPerDirectory);
  yield { directory: new Uint8Array(0), name: root, stat: statOf(entryTypes.directory, 1, 0), index: null };
  for (let index = 0; index < directories; index += 1) {
    yield { directory: root, name: name(index, 'd'), stat: statOf(entryTypes.directory, 2 + index, 0), index: null };
  }
  for (let index = 0, directory = root; index < files; index += 1) {
    if (index % filesPerDirectory === 0) {
      directory = utf8Encode(`root\0${Buffer.from(name(index / filesPerDirectory, 'd')).toString()}`);
    }
    const stat = statOf(entryTypes.file, 10_000_000 + index, 4000 + ((index * 7919) % 20_000));
    yield { directory, name: name(index % filesPerDirectory, 'f'), stat, index };
  }
}

function source(empty: boolean): FileSource {
  async function* scan(): AsyncGenerator<readonly ScanEvent[], void, undefined> {
    let batch: ScannedEntry[] = [];
    for (const { directory, name: own, stat, index } of entries()) {
      if (empty && index !== null) break;
      batch.push({ directory, name: own, stat });
      if (batch.length < 4096) continue;
      yield [packEntries(batch)];
      await Promise.resolve();
      batch = [];
    }
    yield [packEntries(batch)];
  }
  const reader = { module: import.meta.url, config: null };
  return { roots: [utf8Encode('root')], scan, reader, granularityNanos: 0 };
}

/** For the first run, which reads directories alone. */
export function openSourceReader(): unknown {
  return {
    open: (_directory: Uint8Array, _name: Uint8Array, stat: EntryStat) => ({
      stat,
      details: () => ({ details: noDetails, errors: [] }),
      statAgain: () => stat,
      [Symbol.dispose]: () => undefined,
    }),
    readAsScanned: () => null,
    close: () => undefined,
  };
}

/** Writes the tail of a made-up pack: u32 length | name | tail. */
class LiveListFile {
  private readonly file: number;
  private readonly safe: SafeId;
  private readonly certificate: CertificateId;
  private ids: ChunkId[] = [];
  private packs = 0;
  count = 0;

  constructor(path: string, { safe, certificate }: AgentKeys) {
    this.file = openSync(path, 'w');
    this.safe = safe;
    this.certificate = certificate;
  }

  add(id: ChunkId): void {
    this.count += 1;
    if (this.ids.push(id) === chunksPerPack) this.close();
  }

  close(): void {
    if (this.ids.length === 0) return;
    const nonce = primitives.sha256(utf8Encode(`pack ${(this.packs += 1)}`));
    const { safe, certificate } = this;
    const kem = new Uint8Array(1120);
    const header = encodePackHeader({ suite: 1, kind: packKinds.data, safe, epoch: 1, certificate, nonce, kem });
    const length = 600_000;
    const fixed = { section: 0, lengthBytes: length, salt: nonce.subarray(0, 16), blobHash: nonce, slip: new Uint8Array(48) };
    const sorted = this.ids.sort((a, b) => Buffer.compare(a, b));
    const rows = sorted.map((id, position): PackRow => {
      return { ...fixed, id, position, offsetBytes: header.length + position * length, slipOnly: false };
    });
    const sections = [{ origin: null, header: null }];
    const made = encodePackTail({ header, rows, sections, blobsBytes: rows.length * length });
    const head = new Uint8Array(4);
    new DataView(head.buffer).setUint32(0, made.tail.length, true);
    for (const part of [head, made.name, made.tail]) writeSync(this.file, part);
    this.ids = [];
  }

  end(): void {
    this.close();
    closeSync(this.file);
  }
}

async function* livePacks(path: string, certificate: CertificateId): AsyncGenerator<LivePack, void, undefined> {
  const file = openSync(path, 'r');
  const { size } = statSync(path);
  for (let at = 0; at < size;) {
    const bytes = new Uint8Array(8 * MiB);
    const got = readSync(file, bytes, 0, bytes.length, at);
    let offset = 0;
    while (offset + 36 < got) {
      const length = new DataView(bytes.buffer).getUint32(offset, true);
      if (offset + 36 + length > got) break;
      const pack = packName(bytes.subarray(offset + 4, offset + 36));
      yield { pack, certificate, tail: bytes.subarray(offset + 36, offset + 36 + length) };
      offset += 36 + length;
    }
    at += offset;
    await Promise.resolve();
  }
  closeSync(file);
}

/** The vault's own answers, but for the live list and what would be stored. */
function madeUpVault(real: VaultSafe, { path, certificate, generation, site }: MadeUp): VaultSafe {
  const openSession = async (request: Parameters<VaultSafe['openSession']>[0]): Promise<VaultSession> => {
    const session = await real.openSession(request);
    return {
      id: session.id,
      heads: session.heads,
      liveList: () => livePacks(path, certificate),
      putPack: (_pack, bytes) => {
        const kind = bytes[6] ?? 0;
        sent[kind] = (sent[kind] ?? 0) + bytes.length;
        return Promise.resolve('stored');
      },
      commit: (record) => {
        const { digest } = parseRecord(record);
        sent[0] = record.length;
        const { safe } = real;
        const receipt = encodeReceipt({ generation, record: digest, receivedMs: Date.now(), safe, site }, (message) =>
          primitives.ed25519Sign(siteSeed, message),
        );
        return Promise.resolve({ receipt, digest });
      },
      [Symbol.asyncDispose]: async () => await session[Symbol.asyncDispose](),
    };
  };
  return {
    safe: real.safe,
    openSession,
    descriptor: async () => await real.descriptor(),
    slots: async () => await real.slots(),
    ledger: async (from) => await real.ledger(from),
    appendLedger: async (entry) => await real.appendLedger(entry),
    replaceSlots: async (slots, entry) => await real.replaceSlots(slots, entry),
    orderErase: async (order, entry) => await real.orderErase(order, entry),
    cancelErase: async (cancel) => await real.cancelErase(cancel),
    erases: async () => await real.erases(),
    records: async (filter) => await real.records(filter),
    record: async (digest) => await real.record(digest),
    openReading: async () => await real.openReading(),
  };
}

interface MadeUp {
  readonly path: string;
  readonly certificate: CertificateId;
  readonly generation: Uint8Array;
  readonly site: Parameters<typeof encodeReceipt>[0]['site'];
}

/** Bytes by kind of pack; 0: the record. */
const sent: number[] = [0, 0, 0, 0];

async function prepare(folder: string): Promise<void> {
  const platform = nodePlatform();
  const { clock, random } = platform;
  for (const part of ['vault', 'state']) mkdirSync(join(folder, part));
  const vault = await createDirectoryVault({ path: join(folder, 'vault'), platform });
  const parameters = { passes: 3, memoryKiB: 64 * 1024, lanes: 1 };
  const password = 'correct horse battery staple';
  const made = await makeSafe({ label: 'bench', password, suite: 1, random, clock, parameters });
  const computer = computerId(random.bytes(16));
  const { entry, agent } = enrolHere({ opened: made.opened, clock, computer, name: 'machine', random });
  await vault.createSafe({ ...made.newSafe, ledger: [...made.newSafe.ledger, entry] });
  const state = openAgentState({ path: join(folder, 'state'), platform });
  await state.safe(agent.safe).saveAgentKeys(agent);
  const safe = await vault.openSafe(agent.safe);
  const signal = new AbortController().signal;
  const options = { vault: safe, agent, job, retention: 'standard', state, platform, signal };
  // The head that the made-up cache belongs to.
  const report = await backup({ ...options, source: source(true) });
  const list = new LiveListFile(join(folder, 'live-list'), agent);
  for (let index = 0; index < tebibytes * 1024 * 1024; index += 1) list.add(madeUpId('chunk', index));
  await makeCache(await state.safe(agent.safe).job(job), { agent, list, report });
  list.end();
  await vault[Symbol.asyncDispose]();
}

interface CacheInputs {
  readonly agent: AgentKeys;
  readonly list: LiveListFile;
  readonly report: BackupReport;
}

async function makeCache(state: JobState, { agent, list, report }: CacheInputs): Promise<void> {
  const { random, files: ports } = nodePlatform();
  const hasher = new SipHasher(kindKeys(agent.writeSecret, packKinds.catalog).cutterKey);
  const cache = new CacheWriter(ports, join(state.path, 'catalog'));
  const writer = new PackedWriter();
  const tag = primitives.sha256(utf8Encode('tag'));
  let [bundle, leaves, gathered] = [madeUpId('bundle', 0), 0, 0];
  list.add(bundle);
  for (const { directory, name: own, stat, index } of entries()) {
    if (index !== null && index > 0 && index % filesPerBundle === 0)
      list.add((bundle = madeUpId('bundle', index / filesPerBundle)));
    const { sizeBytes } = stat;
    const extents =
      index === null ? [] : [{ id: bundle, offsetBytes: (index % filesPerBundle) * 24_000, lengthBytes: sizeBytes }];
    writeBody(writer, { stat, sizeBytes, marks: 0, details: noDetails, extents, tag: index === null ? null : tag });
    cache.add({ directory, name: own }, writer.flush());
    const key = entryKey(directory, own);
    hasher.scratch.set(key, 1);
    hasher.scratch[0] = 0;
    if (hasher.high(key.length + 1) >= 2 ** 32 / 128) continue;
    const leaf = madeUpId('leaf', (leaves += 1));
    list.add(leaf);
    cache.endBlock({ id: leaf, endsByCost: false });
    if ((gathered += 1) % 1000 === 0) await cache.drain();
  }
  using signatures = state.signatures(random, false);
  const numbers = { base: new Uint8Array(16), logs: 0, baseBytes: files * 60, logBytes: 0 };
  const note = encodeChain({ ...numbers, pageKey: signatures.key, ids: [bundle] });
  await cache.finish({
    record: report.record,
    sequence: report.sequence,
    startMs,
    fullReadMs: Date.now(),
    chunks: list.count,
    note,
    partial: null,
  });
}

/** In a process of its own. */
async function perform(folder: string): Promise<void> {
  const platform = nodePlatform();
  const vault = await openDirectoryVault({ path: join(folder, 'vault'), platform });
  const { site, generation } = await vault.site();
  const state = openAgentState({ path: join(folder, 'state'), platform });
  const [safe] = await state.safes();
  if (safe === undefined) throw new Error('nothing was prepared');
  const agent = await state.safe(safe).requireAgentKeys();
  const { certificate } = agent;
  const made = madeUpVault(await vault.openSafe(safe), { path: join(folder, 'live-list'), certificate, generation, site });
  const signal = new AbortController().signal;
  const started = performance.now();
  const options = { vault: made, agent, job, retention: 'standard', state, platform, signal };
  const report = await backup({ ...options, source: source(false), siteKey: primitives.ed25519PublicKey(siteSeed) });
  const { user, system } = process.cpuUsage();
  const { phasesMs, unchanged } = report;
  const seconds = (performance.now() - started) / 1000;
  const peakMiB = process.resourceUsage().maxRSS / 1024;
  say(JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6, peakMiB, phasesMs, unchanged, sent }));
}

function measured(folder: string): string {
  const words = [...process.execArgv, fileURLToPath(import.meta.url)];
  const environment = { ...process.env, BENCH_FOLDER: folder };
  const done = spawnSync(process.execPath, words, { encoding: 'utf8', env: environment });
  if (done.status !== 0) throw new Error(`the run ended with ${done.status}:\n${done.stdout}\n${done.stderr}`);
  return done.stdout.trim().split('\n').at(-1) ?? '';
}

interface Result {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMiB: number;
  readonly phasesMs: BackupReport['phasesMs'];
  readonly unchanged: number;
  readonly sent: readonly number[];
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(process.env['BENCH_DISK'] ?? tmpdir(), 'twinvault-scale-'));
  try {
    say(`${files} files, ${tebibytes} TiB; ${cpus().length} cores, ${cpus()[0]?.model ?? ''}; Node ${process.version}`);
    const started = performance.now();
    await prepare(folder);
    const cacheBytes = statSync(join(folder, 'live-list')).size;
    say(`prepared in ${((performance.now() - started) / 1000).toFixed(0)} s: live list of ${(cacheBytes / 1e6).toFixed(0)} MB`);
    const { seconds, cpuSeconds, peakMiB, phasesMs, unchanged, sent: bytes } = JSON.parse(measured(folder)) as Result;
    say(
      `run: ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s cpu, peak ${peakMiB.toFixed(0)} MiB, ${unchanged} entries unchanged`,
    );
    say(
      `  opening with the live list ${(phasesMs.opening / 1000).toFixed(2)} s, reading ${(phasesMs.reading / 1000).toFixed(2)} s`,
    );
    say(`  finishing ${(phasesMs.finishing / 1000).toFixed(2)} s, committing ${(phasesMs.committing / 1000).toFixed(2)} s`);
    say(`  sent: record ${bytes[0]}, catalog ${bytes[2]}, state ${bytes[3]} bytes`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// Workers import this file as the module of their source.
if (isMainThread) {
  const folder = process.env['BENCH_FOLDER'];
  await (folder === undefined ? main() : perform(folder));
}
