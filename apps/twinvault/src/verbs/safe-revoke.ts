/** `twinvault safe revoke`: a computer may write no longer. */
import { revokeEntry } from '@twinvault/seal';
import { toHex } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import type { VerbContext } from '../wiring/context.ts';
import type { OpenSafeOptions } from '../wiring/open-safe.ts';
import { openWithSecret } from '../wiring/open-safe.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';

export interface RevokeOptions extends OpenSafeOptions, VaultOptions {
  readonly safe: string;
}

export async function safeRevoke(context: VerbContext, prefix: string, options: RevokeOptions): Promise<void> {
  await using vault = await openVault(context, options);
  const found = await openNamedSafe(vault, options.safe);
  const opened = await openWithSecret(context, found, options);
  const matching = opened.ledger.certificates().filter((one) => toHex(one.id).startsWith(prefix.toLowerCase()));
  const [certificate, second] = matching;
  if (certificate === undefined)
    throw new UsageError(
      `No certificate of safe "${found.label}" begins with "${prefix}". twinvault safe agents lists them.`,
      'missing',
    );
  if (second !== undefined) throw new UsageError(`Several certificates begin with "${prefix}". Give more of the id.`);
  if (opened.ledger.revocationOf(certificate.id) !== null) throw new UsageError(`"${certificate.name}" is revoked already.`);
  const records = await found.safe.records({ computer: certificate.computer, kind: 'safeset' });
  const newest = new Map(records.map((record) => [record.public.job, record]));
  const last = Array.from(newest.values(), ({ public: known, digest }) => ({
    computer: known.computer,
    job: known.job,
    record: digest,
  }));
  const { clock } = context.platform;
  await found.safe.appendLedger(revokeEntry({ opened, certificate: certificate.id, last, clock }));
  context.output.result({ certificate: toHex(certificate.id), computer: toHex(certificate.computer), name: certificate.name }, [
    `"${certificate.name}" may not write into safe "${found.label}" any more. Its ${records.length} safesets stay restorable.`,
  ]);
}
