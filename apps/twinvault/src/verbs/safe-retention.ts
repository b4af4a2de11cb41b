/** `twinvault safe retention`: what a retention type means, as a signed entry of the safe's ledger. */
import { labelBytesMax } from '@twinvault/format';
import { ownerEntries } from '@twinvault/seal';
import { toHex, utf8Encode } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import type { VerbContext } from '../wiring/context.ts';
import type { OpenSafeOptions } from '../wiring/open-safe.ts';
import { openWithSecret } from '../wiring/open-safe.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';
import { ruleText } from '../wiring/retention-rules.ts';

export interface RetentionVerbOptions extends OpenSafeOptions, VaultOptions {
  readonly safe: string;
  readonly days: number;
  readonly copies: number;
  readonly intraday?: true | undefined;
}

export async function safeRetention(context: VerbContext, type: string, options: RetentionVerbOptions): Promise<void> {
  if (type === '' || utf8Encode(type).length > labelBytesMax) {
    throw new UsageError(`A retention type has a name of at most ${labelBytesMax} bytes.`);
  }
  await using vault = await openVault(context, options);
  const found = await openNamedSafe(vault, options.safe);
  const opened = await openWithSecret(context, found, options);
  const rule = { days: options.days, copies: options.copies, intraday: options.intraday === true };
  const before = opened.ledger.retentions().get(type) ?? null;
  const payloads = [{ kind: 'retention', type, ...rule }] as const;
  const { entries } = ownerEntries({ opened, clock: context.platform.clock, payloads });
  for (const entry of entries) await found.safe.appendLedger(entry);
  context.output.result({ safe: toHex(found.safe.safe), label: found.label, retention: type, ...rule }, [
    `Retention type "${type}" of safe "${found.label}": ${ruleText(rule)}${before === null ? '' : ` (before: ${ruleText(before)})`}.`,
    `twinvault keep shows what that means for each safeset; twinvault backup --type ${type} makes safesets of this type.`,
  ]);
}
