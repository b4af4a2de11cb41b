/*
 * A whole system in memory for the engine's tests: platform, vault in a directory, one safe, one enrolled computer; and a way
 * to read a safeset back with the safe's password side alone, so that what was written is checked by other code than wrote it.
 */
import assert from 'node:assert/strict';
import { utf8Decode } from '@twinvault/std';
import { computerId, packKinds } from '@twinvault/format';
import type { ParsedRecord, RecordDigest, Suite } from '@twinvault/format';
import { backup, entryTypes, openAgentState } from '@twinvault/engine';
import type { AgentState, BackupOptions, BackupReport } from '@twinvault/engine';
import { enrolHere, makeSafe, openSafeReader } from '@twinvault/seal';
import type { AgentKeys, CatalogEntry, OpenedSafe, RecordSealedPart, SafesetReader } from '@twinvault/seal';
import { MemoryDisk, memoryPlatform, memorySource } from '@twinvault/testkit';
import type { MemoryPlatform, MemoryTree } from '@twinvault/testkit';
import { createDirectoryVault } from '@twinvault/vault';
import type { SiteVault } from '@twinvault/vault';
import type { VaultSafe } from '@twinvault/protocol';

export interface World {
  readonly platform: MemoryPlatform;
  readonly vault: SiteVault;
  readonly safe: VaultSafe;
  readonly opened: OpenedSafe;
  readonly agent: AgentKeys;
  readonly state: AgentState;
}

/** `onStep`: called before each step of each file operation; it may stop the machine. */
export async function newWorld(seed = 'engine', onStep?: (step: string) => void, suite: Suite = 1): Promise<World> {
  const ports = memoryPlatform(seed);
  const disk = new MemoryDisk({ clock: ports.clock, ...(onStep ? { onStep } : {}) });
  const platform: MemoryPlatform = { ...ports, disk, files: disk.mount() };
  await platform.files.makeDirectory('/vault');
  await platform.files.makeDirectory('/state');
  const vault = await createDirectoryVault({ path: '/vault', platform });
  const { random, clock } = platform;
  // The floor of slotLimits: tests need not wait for more.
  const parameters = { passes: 3, memoryKiB: 64 * 1024, lanes: 1 };
  const made = await makeSafe({ label: 'test', password: 'correct horse battery staple', suite, random, clock, parameters });
  const computer = computerId(random.bytes(16));
  const { entry, agent, opened } = enrolHere({ opened: made.opened, clock, computer, name: 'machine', random });
  await vault.createSafe({ ...made.newSafe, ledger: [...made.newSafe.ledger, entry] });
  const state = openAgentState({ path: '/state', platform });
  await state.safe(agent.safe).saveAgentKeys(agent);
  return { platform, vault, safe: await vault.openSafe(agent.safe), opened, agent, state };
}

/** Another computer of the safe, with a state of its own. */
export async function join(world: World, name: string): Promise<World> {
  const { platform, safe } = world;
  const { random, clock, files } = platform;
  await files.makeDirectory(`/state-${name}`);
  const enrolled = enrolHere({ opened: world.opened, clock, computer: computerId(random.bytes(16)), name, random });
  await safe.appendLedger(enrolled.entry);
  const state = openAgentState({ path: `/state-${name}`, platform });
  await state.safe(enrolled.agent.safe).saveAgentKeys(enrolled.agent);
  return { ...world, agent: enrolled.agent, opened: enrolled.opened, state };
}

/** A run of job "job"; the clock moves on by a minute afterwards. */
export async function run(world: World, tree: MemoryTree, options: Partial<BackupOptions> = {}): Promise<BackupReport> {
  const { platform, safe, agent, state } = world;
  const report = await backup({
    vault: safe,
    agent,
    job: 'job',
    retention: 'standard',
    source: memorySource(tree),
    state,
    platform,
    siteKey: (await world.vault.site()).publicKey,
    signal: new AbortController().signal,
    ...options,
  });
  await platform.clock.advance(60_000);
  return report;
}

export interface ReadEntry {
  readonly entry: CatalogEntry;
  /** Of files: the whole content, holes as zeros. */
  readonly content: Uint8Array | null;
}

export interface ReadSafeset {
  readonly record: ParsedRecord;
  readonly part: RecordSealedPart;
  /** By path with "/". */
  readonly entries: ReadonlyMap<string, ReadEntry>;
}

/** Opens a safeset as a reader with the password does; checks that its refs are exactly what its catalog uses. */
export async function readBack(world: World, digest: RecordDigest): Promise<ReadSafeset> {
  const reader = openSafeReader({ vaultSafe: world.safe, opened: world.opened });
  const safeset = await reader.open(digest);
  await using _held = safeset;
  const { record, part, catalog } = safeset;
  const refs = await safeset.recomputeRefs();
  assert.ok(refs.ok, JSON.stringify(refs));
  const entries = new Map<string, ReadEntry>();
  for await (const entry of catalog.walk()) {
    const content = entry.type === entryTypes.file ? await contentOf(entry, safeset) : null;
    entries.set(pathText(entry), { entry, content });
  }
  return { record, part, entries };
}

async function contentOf(entry: CatalogEntry, { catalog, chunks }: SafesetReader): Promise<Uint8Array> {
  const content = new Uint8Array(entry.sizeBytes);
  let at = 0;
  for await (const { chunk, offsetBytes, lengthBytes } of catalog.extentsOf(entry)) {
    if (chunk !== null) {
      const plaintext = await chunks.read(chunk, packKinds.data);
      content.set(plaintext.subarray(offsetBytes, offsetBytes + lengthBytes), at);
    }
    at += lengthBytes;
  }
  return content;
}

export function pathText({ directory, name }: Pick<CatalogEntry, 'directory' | 'name'>): string {
  const parent = (utf8Decode(directory) ?? '').replaceAll('\0', '/');
  return parent === '' ? (utf8Decode(name) ?? '') : `${parent}/${utf8Decode(name) ?? ''}`;
}

/** What the tree holds must be what was read. */
export function assertSame(read: ReadSafeset, tree: MemoryTree): void {
  assert.deepEqual([...read.entries.keys()], tree.paths());
  for (const [path, { entry, content }] of read.entries) {
    const node = tree.nodes.get(path);
    assert.ok(node);
    assert.equal(entry.type, node.type, path);
    assert.equal(entry.mode, node.mode, path);
    assert.equal(entry.uid, node.uid, path);
    assert.equal(entry.user, node.user, path);
    assert.equal(entry.mtimeSeconds * 1000 + entry.mtimeNanos / 1e6, node.mtimeMs, path);
    if (node.target !== null) assert.deepEqual(entry.link?.slice(), node.target, path);
    if (content !== null) assert.ok(Buffer.compare(content, node.content) === 0, `content of ${path}`);
    assert.equal(entry.torn ?? false, false, path);
    assert.equal(entry.unread ?? false, false, path);
    assert.equal(entry.carried ?? null, null, path);
  }
}

/** The object with some methods replaced; the others are called on the object itself. (`await using` refuses a bound function.) */
export function over<T extends object>(object: T, replaced: Partial<T>): T {
  return new Proxy(object, {
    get: (target, key) => {
      if (Object.hasOwn(replaced, key)) return Reflect.get(replaced, key) as unknown;
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? (...given: unknown[]): unknown => value.apply(target, given) : value;
    },
  });
}
