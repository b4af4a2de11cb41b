/** `twinvault safe hold`, `lock`, `flag`: signed marks that keep safesets from retention, and their lifting. */
import { noteBytesMax } from '@twinvault/format';
import type { MarkKind } from '@twinvault/format';
import { ownerEntries } from '@twinvault/seal';
import { toHex, utf8Encode } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import type { VerbContext } from '../wiring/context.ts';
import { marksOf } from '../wiring/marks.ts';
import type { OpenSafeOptions } from '../wiring/open-safe.ts';
import { openWithSecret, seenLedger } from '../wiring/open-safe.ts';
import { chooseSafeset } from '../wiring/open-safeset.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';

export interface MarkOptions extends OpenSafeOptions, VaultOptions {
  readonly safe: string;
  readonly job?: string | undefined;
  readonly note?: string | undefined;
  readonly off?: true | undefined;
}

export interface MarkRequest {
  readonly kind: MarkKind;
  /** The beginning of an id, or "latest". */
  readonly safeset: string;
}

export async function safeMark(
  context: VerbContext,
  { kind, safeset }: MarkRequest,
  { note = '', off, ...options }: MarkOptions,
): Promise<void> {
  const on = off !== true;
  if (utf8Encode(note).length > noteBytesMax) throw new UsageError(`The note is longer than ${noteBytesMax} bytes.`);
  await using vault = await openVault(context, options);
  const found = await openNamedSafe(vault, options.safe);
  const summary = chooseSafeset(await found.safe.records({ kind: 'safeset' }), { ...options, safeset });
  const id = toHex(summary.public.safeset);
  const standing = marksOf(summary, await seenLedger(context, found.safe, options.state)).some((mark) => mark.kind === kind);
  if (!on && !standing) throw new UsageError(`There is no ${kind} on safeset ${id.slice(0, 8)}. Nothing was changed.`);
  const opened = await openWithSecret(context, found, options);
  const payloads = [{ kind, note, on, record: summary.digest }] as const;
  const { entries } = ownerEntries({ opened, clock: context.platform.clock, payloads });
  for (const entry of entries) await found.safe.appendLedger(entry);
  const { job } = summary.public;
  context.output.result(
    { safe: toHex(found.safe.safe), label: found.label, safeset: id, record: toHex(summary.digest), job, mark: kind, on, note },
    [on ? setLines[kind](id.slice(0, 8), job) : `The ${kind} on safeset ${id.slice(0, 8)} is lifted: ${liftedLines[kind]}`],
  );
}

const setLines: Readonly<Record<MarkKind, (id: string, job: string) => string>> = {
  hold: (id) => `Safeset ${id} is held: no clean-up takes it until the hold is lifted with --off.`,
  lock: (id) => `Safeset ${id} is locked: no clean-up takes it until the lock is lifted with --off.`,
  flag: (id, job) =>
    `Safeset ${id} is flagged as not to be trusted. It and all older safesets of job "${job}" stay until the flag is lifted with --off.`,
};

const liftedLines: Readonly<Record<MarkKind, string>> = {
  hold: 'retention decides about it again.',
  lock: 'retention decides about it again.',
  flag: 'it counts as good, and retention decides again about it and the older ones of its job.',
};
