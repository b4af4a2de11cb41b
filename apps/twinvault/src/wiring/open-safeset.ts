/** From --safeset to an opened safeset. */
import type { RecordSummary, Vault, VaultSafe } from '@twinvault/protocol';
import { openSafeReader } from '@twinvault/seal';
import type { SafeReader, SafesetReader } from '@twinvault/seal';
import { toHex } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import type { VerbContext } from './context.ts';
import type { OpenSafeOptions } from './open-safe.ts';
import { openWithSecret } from './open-safe.ts';
import { openNamedSafe } from './open-vault.ts';
import type { VaultOptions } from './open-vault.ts';

export interface SafesetOptions extends OpenSafeOptions, VaultOptions {
  readonly safe: string;
  readonly safeset: string;
  readonly job?: string | undefined;
}

export interface OpenedSafeset extends AsyncDisposable {
  readonly reader: SafeReader;
  readonly safeset: SafesetReader;
  readonly summary: RecordSummary;
  readonly vaultSafe: VaultSafe;
}

/** Which safeset is meant is settled before anybody is asked for a password. */
export async function openSafeset(context: VerbContext, vault: Vault, options: SafesetOptions): Promise<OpenedSafeset> {
  const found = await openNamedSafe(vault, options.safe);
  const summary = chooseSafeset(await found.safe.records({ kind: 'safeset' }), options);
  const opened = await openWithSecret(context, found, options);
  const reader = openSafeReader({ vaultSafe: found.safe, opened });
  const safeset = await reader.open(summary.digest);
  return { reader, safeset, summary, vaultSafe: found.safe, [Symbol.asyncDispose]: () => safeset[Symbol.asyncDispose]() };
}

/** Which safesets a verb that looks at many of them means. */
export interface SafesetsFilter {
  readonly safe: string;
  readonly job?: string | undefined;
  /** Name, or the beginning of the id. */
  readonly computer?: string | undefined;
  readonly safeset?: string | undefined;
}

/** Oldest first. Throws where there is none. */
export function safesetsWanted(records: readonly RecordSummary[], filter: SafesetsFilter): readonly RecordSummary[] {
  const { computer, job, safe, safeset } = filter;
  const isOf = ({ public: known }: RecordSummary): boolean =>
    computer === undefined || known.computerName === computer || toHex(known.computer).startsWith(computer.toLowerCase());
  const live = records.filter((record) => !record.retired && isOf(record) && (job === undefined || record.public.job === job));
  if (safeset !== undefined) return [chooseSafeset(live, { ...filter, safeset })];
  if (live.length > 0) return live;
  const words = [job === undefined ? '' : ` of job "${job}"`, computer === undefined ? '' : ` of computer "${computer}"`];
  throw new UsageError(`Safe "${safe}" holds no safeset${words.join('')}.`, 'missing');
}

/** "latest" is the newest of the only job, or of --job; else the id begins with what was given. */
export function chooseSafeset(
  records: readonly RecordSummary[],
  { safeset, job, safe }: Pick<SafesetOptions, 'safeset' | 'job' | 'safe'>,
): RecordSummary {
  const live = records.filter((record) => !record.retired && (job === undefined || record.public.job === job));
  const ofJob = job === undefined ? '' : ` of job "${job}"`;
  if (live.length === 0) throw new UsageError(`Safe "${safe}" holds no safeset${ofJob}.`, 'missing');
  if (safeset === 'latest') return latest(live);
  const matching = live.filter((record) => toHex(record.public.safeset).startsWith(safeset.toLowerCase()));
  const [only, second] = matching;
  if (only === undefined)
    throw new UsageError(`No safeset${ofJob} begins with "${safeset}". twinvault safesets lists them.`, 'missing');
  if (second !== undefined) throw new UsageError(`Several safesets begin with "${safeset}". Give more of the id.`);
  return only;
}

function latest(live: readonly RecordSummary[]): RecordSummary {
  const chains = new Map<string, RecordSummary>();
  for (const record of live) chains.set(`${toHex(record.public.computer)} ${record.public.job}`, record);
  const [only, second] = chains.values();
  if (second !== undefined) {
    const names = Array.from(chains.values(), ({ public: known }) => `"${known.job}" of ${known.computerName}`);
    throw new UsageError(`There are several jobs: ${names.join(', ')}. Say which with --job, or name a safeset by its id.`);
  }
  // The map holds the last of each chain, and there is one.
  return only as RecordSummary;
}
