/*
 * All that a safe holds as JSON, read with Twinvault's own readers: the form that tools/decoder prints, so that both can be held against what was written
 * down when the safe was frozen. Names are those of the golden vectors; contents are told by their SHA-256.
 */

import { packKinds } from '@twinvault/format';
import { openSafe, openSafeReader, parseKitText } from '@twinvault/seal';
import type { CatalogEntry, Content, OpenedSafe, SafesetReader } from '@twinvault/seal';
import { primitives, toHex } from '@twinvault/std';
import type { Platform } from '@twinvault/std';
import { openDirectoryVault } from '@twinvault/vault';
import type { SiteSafe, SiteVault } from '@twinvault/vault';

export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain };

const shownBytesMax = 256;

/** As JSON has it: bytes are hexadecimal, long ones are told by their digest. */
function plain(value: unknown): Plain {
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string') return value;
  if (value instanceof Uint8Array) {
    return value.length <= shownBytesMax ? toHex(value) : `sha256:${toHex(primitives.sha256(value))}`;
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object') throw new TypeError('no plain form');
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
}

/** The refs of a record name what its catalog does not use, or what is not there. */
export class RefsDiffer extends Error {
  override name = 'RefsDiffer';
}

/** `label`: of the safe, where the vault has several. */
export type FrozenSecret = { readonly label?: string } & (
  | { readonly type: 'password'; readonly password: string }
  | { readonly type: 'kit'; readonly text: string }
);

export interface OpenedFrozen {
  readonly vault: SiteVault;
  readonly safe: SiteSafe;
  readonly opened: OpenedSafe;
}

/** The safe of the vault, or the one with that label, opened. */
export async function openFrozen(path: string, platform: Platform, secret: FrozenSecret): Promise<OpenedFrozen> {
  const vault = await openDirectoryVault({ path, platform });
  const summary = (await vault.safes()).find(({ label }) => secret.label === undefined || label === secret.label);
  if (summary === undefined) throw new RangeError('the vault shows no safe');
  const safe = await vault.openSafe(summary.safe);
  const [descriptor, slots, ledger] = await Promise.all([safe.descriptor(), safe.slots(), safe.ledger(1)]);
  const key = secret.type === 'kit' ? { type: 'kit' as const, code: parseKitText(secret.text, summary.safe) } : secret;
  return { vault, safe, opened: await openSafe({ descriptor, slots, ledger }, key) };
}

/** Oldest first: by start, then digest. */
export async function listFrozen({ safe, opened }: OpenedFrozen): Promise<Plain[]> {
  const reader = openSafeReader({ vaultSafe: safe, opened });
  const listed: [startMs: number, digest: string, Plain][] = [];
  for (const { digest } of await reader.safesets()) {
    const safeset = await reader.open(digest);
    await using _held = safeset;
    const { startMs } = safeset.record.public;
    listed.push([startMs, toHex(digest), await listSafeset(safeset)]);
  }
  return listed.sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1)).map(([, , listing]) => listing);
}

export async function listSafeset(safeset: SafesetReader): Promise<Plain> {
  const { record, part, catalog } = safeset;
  const refs = await safeset.recomputeRefs();
  if (!refs.ok) throw new RefsDiffer();
  const entries: unknown[] = [];
  for await (const entry of catalog.walk()) entries.push(await listEntry(safeset, entry));
  return plain({ record: record.digest, suite: record.suite, public: record.public, part, entries });
}

async function listEntry(safeset: SafesetReader, entry: CatalogEntry): Promise<object> {
  const { extents: _extents, rope: _rope, attributes: _attributes, ...rest } = entry;
  const { acls, streams, xattrs } = await safeset.catalog.attributesOf(entry);
  const listed = { ...rest, acls, xattrs, streams: [] as object[] };
  for (const stream of streams) {
    const { name, sizeBytes } = stream;
    listed.streams.push({ name, sizeBytes, sha256: (await readContent(safeset, stream)).digest });
  }
  if (entry.type !== 1) return listed;
  const { extents, digest } = await readContent(safeset, entry);
  return { ...listed, extents, sha256: digest };
}

async function readContent(
  { catalog, chunks }: SafesetReader,
  content: Content,
): Promise<{ extents: object[]; digest: Uint8Array }> {
  const hash = primitives.sha256Stream();
  const extents: object[] = [];
  let at = 0;
  for await (const extent of catalog.extentsOf(content)) {
    const { chunk, offsetBytes, lengthBytes } = extent;
    extents.push({ chunk, offsetBytes, lengthBytes });
    if (chunk === null) hash.update(new Uint8Array(lengthBytes));
    else hash.update((await chunks.read(chunk, packKinds.data)).subarray(offsetBytes, offsetBytes + lengthBytes));
    at += lengthBytes;
  }
  hash.update(new Uint8Array(content.sizeBytes - at));
  return { extents, digest: hash.digest() };
}
