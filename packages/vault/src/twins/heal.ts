/*
 * Healing: what is damaged or missing here is fetched from the twins. Small objects first, since what is live can be told only when every record can be read;
 * then packs: those that are known to be damaged, and the origins of whatever a record needs and no pack here holds.
 *
 * It takes nothing that was not here or is not needed here: new objects come by following, not by healing. Of an erased safe it takes what proves why it is
 * gone, and nothing of an erased job, however long the twin still has it.
 */

import { FormatError } from '@twinvault/format';
import type { RecordDigest } from '@twinvault/format';
import { ProtocolError, twinObjectKinds } from '@twinvault/protocol';
import type { AskedObject, TwinObjectName, TwinSource } from '@twinvault/protocol';
import { toHex } from '@twinvault/std';
import { refsOfRecord } from '../commit/record-refs.ts';
import { storedNames } from '../care/stored-objects.ts';
import { verifyObject } from '../care/verify-object.ts';
import type { NewObject } from '../database/inventory.ts';
import { erasedOf, isProof } from '../erases/erased.ts';
import type { SafeParts } from '../site-safe.ts';
import { isDigestName, ledgerEntryName } from '../store/layout.ts';
import { hasLost, lostRows } from './lost.ts';
import type { LostRows } from './lost.ts';
import { mend } from './mend.ts';

export interface HealOptions {
  /** In the order in which they are asked. */
  readonly sources: readonly TwinSource[];
  /** What is known to be damaged: by the site's tables. */
  readonly damaged?: readonly TwinObjectName[];
  /** What became durable here, for the site's inventory. */
  readonly announce?: (object: NewObject) => Promise<void>;
  readonly progress?: (done: { readonly objects: number; readonly bytes: number }) => void;
  readonly signal?: AbortSignal;
}

export interface UnhealedObject extends TwinObjectName {
  /** Why: of the last source that was asked. */
  readonly code: string;
}

/** A safeset that needed something that was not here. */
export interface HealedSafeset {
  /** Record, computer, hexadecimal. */
  readonly record: string;
  readonly computer: string;
  readonly job: string;
  readonly sequence: number;
  readonly state: 'whole' | 'incomplete';
}

export interface HealReport {
  readonly healed: readonly TwinObjectName[];
  readonly unhealed: readonly UnhealedObject[];
  readonly bytes: number;
  readonly safesets: readonly HealedSafeset[];
}

/** Runs beside everything else; broken off, it is run again. `vault-full` and its kin, and errors of the signal. */
export async function healSafe(parts: SafeParts, options: HealOptions): Promise<HealReport> {
  const run = new Healing(parts, options);
  const isErased = (await erasedOf(parts.context)).whole !== null;
  for (const kind of twinObjectKinds) {
    if (kind === 'pack' || (isErased && !isProof(kind))) continue;
    for (const name of await wantedNames(parts, kind, options)) await run.heal({ kind, name });
  }
  if (isErased) return run.report(null);
  const lost = await lostOrNull(parts);
  const aside = (await parts.context.store.list(parts.context.layout.inFolder('damaged'))).filter(isDigestName);
  const known = (options.damaged ?? []).filter(({ kind }) => kind === 'pack').map(({ name }) => name);
  for (const name of new Set([...(lost?.keys() ?? []), ...aside, ...known])) await run.heal({ kind: 'pack', name });
  return run.report(lost);
}

class Healing {
  readonly #parts: SafeParts;
  readonly #options: HealOptions;
  readonly #healed: TwinObjectName[] = [];
  readonly #unhealed: UnhealedObject[] = [];
  #bytes = 0;

  constructor(parts: SafeParts, options: HealOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  async heal(name: TwinObjectName): Promise<void> {
    const { signal, progress } = this.#options;
    signal?.throwIfAborted();
    const verdict = await verifyObject(this.#parts.context, name);
    if (verdict.type === 'whole') {
      await this.#options.announce?.({ ...name, bytes: verdict.bytes });
      return;
    }
    const code = await this.#fromAny(name);
    if (code === null) this.#healed.push(name);
    else this.#unhealed.push({ ...name, code });
    progress?.({ objects: this.#healed.length + this.#unhealed.length, bytes: this.#bytes });
  }

  /** Null when one of the twins had it; else why the last one did not help. */
  async #fromAny(name: TwinObjectName): Promise<string | null> {
    let code = 'object-unknown';
    for (const source of this.#options.sources) {
      try {
        const bytes = await source.object(this.#parts.context.safe, this.#asked(name));
        if (bytes === null) continue;
        const size = await mend(this.#parts, name, bytes);
        await this.#options.announce?.({ ...name, bytes: size });
        this.#bytes += size;
        return null;
      } catch (error) {
        if (!(error instanceof ProtocolError || error instanceof FormatError) || hostCodes.has(error.code)) throw error;
        code = error.code;
      }
    }
    return code;
  }

  #asked(name: TwinObjectName): AskedObject {
    return name.kind === 'receipt' ? { ...name, site: this.#parts.context.marker.site } : name;
  }

  async report(before: LostRows | null): Promise<HealReport> {
    const after = before === null || before.size === 0 ? before : await lostOrNull(this.#parts);
    const safesets = before === null ? [] : await hurtSafesets(this.#parts, before, after ?? before);
    return { healed: this.#healed, unhealed: this.#unhealed, bytes: this.#bytes, safesets };
  }
}

/** Failures of this site, not of what was asked for. */
const hostCodes: ReadonlySet<string> = new Set([
  'vault-full',
  'vault-denied',
  'vault-read-only',
  'vault-failed',
  'store-away',
  'database-away',
  'vault-busy',
]);

/** Names of a small kind that are damaged, or that something here says should be here. */
async function wantedNames(
  parts: SafeParts,
  kind: Exclude<TwinObjectName['kind'], 'pack'>,
  options: HealOptions,
): Promise<Set<string>> {
  const wanted = new Set((options.damaged ?? []).filter((each) => each.kind === kind).map(({ name }) => name));
  const { context, ledger } = parts;
  const stored = async (of: TwinObjectName['kind']): Promise<string[]> => storedNames(context, of);
  if (kind === 'ledger') {
    const last = Number((await stored('ledger')).at(-1) ?? 0);
    for (let number = 1; number <= last; number += 1) {
      const name = ledgerEntryName(number);
      if ((await verifyObject(context, { kind, name })).type !== 'whole') wanted.add(name);
    }
  }
  if (kind === 'slots') {
    const present = new Set(await stored('slots'));
    const named = (await ledgerOrNull(ledger))?.slotDigests().map(toHex) ?? [];
    for (const name of named) if (!present.has(name)) wanted.add(name);
  }
  if (kind === 'record') {
    const there = new Set([...(await stored('record')), ...(await stored('stub'))]);
    for (const name of await stored('receipt')) if (!there.has(name)) wanted.add(name);
  }
  if (kind === 'receipt') {
    const there = new Set(await stored('receipt'));
    for (const name of await stored('record')) if (!there.has(name)) wanted.add(name);
  }
  return wanted;
}

async function ledgerOrNull(ledger: SafeParts['ledger']): Promise<Awaited<ReturnType<SafeParts['ledger']['current']>> | null> {
  try {
    return await ledger.current();
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

/** Null when what is live cannot be told, since a record stays damaged. */
async function lostOrNull({ context }: SafeParts): Promise<LostRows | null> {
  try {
    return await lostRows(context);
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'vault-damaged') return null;
    throw error;
  }
}

async function hurtSafesets(parts: SafeParts, before: LostRows, after: LostRows): Promise<HealedSafeset[]> {
  if (before.size === 0) return [];
  const safesets: HealedSafeset[] = [];
  for (const { digest, public: facts, retired } of await parts.records.all()) {
    if (retired || facts.kind !== 'safeset') continue;
    const packs = await packsOf(parts, digest);
    if (!hasLost(before, packs)) continue;
    const { computer, job, sequence } = facts;
    const state = hasLost(after, packs) ? 'incomplete' : 'whole';
    safesets.push({ record: toHex(digest), computer: toHex(computer), job, sequence, state });
  }
  return safesets;
}

async function packsOf(
  { context }: SafeParts,
  digest: RecordDigest,
): Promise<readonly { readonly pack: Uint8Array; readonly bitmap: Uint8Array }[]> {
  return [...((await refsOfRecord(context, digest))?.packs() ?? [])];
}
