/** `twinvault safe erase`: orders what is to be erased for good, takes orders back, and shows what became of them. */
import { parseEraseCertificate } from '@twinvault/format';
import { eraseCancelOf, eraseOrderOf } from '@twinvault/seal';
import { toHex, utf8Encode } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import { jobJson, orderJson, orderLines } from '../output/erase-orders.ts';
import { formatTime } from '../output/table.ts';
import type { VerbContext } from '../wiring/context.ts';
import { demandPart, jobsOf, ordersNamed } from '../wiring/erase-orders.ts';
import type { ErasedPart } from '../wiring/erase-orders.ts';
import type { OpenSafeOptions } from '../wiring/open-safe.ts';
import { openWithSecret } from '../wiring/open-safe.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { FoundSafe, VaultOptions } from '../wiring/open-vault.ts';
import { writeNewFile } from '../wiring/operator-files.ts';

export interface EraseOptions extends OpenSafeOptions, VaultOptions, ErasedPart {
  readonly safe: string;
  readonly confirm?: string | undefined;
  readonly cancel?: string | undefined;
  readonly certificates?: string | undefined;
}

export async function safeErase(context: VerbContext, options: EraseOptions): Promise<void> {
  await using vault = await openVault(context, options);
  const found = await openNamedSafe(vault, options.safe);
  const isOrder = options.whole === true || options.job !== undefined || options.computer !== undefined;
  if (options.cancel !== undefined) await cancelOrder(context, found, { ...options, cancel: options.cancel });
  else if (isOrder) await order(context, found, options);
  else await show(context, found, options);
}

async function order(context: VerbContext, found: FoundSafe, options: EraseOptions): Promise<void> {
  const { label, safe } = found;
  demandPart(options);
  const jobs = await jobsOf(found, options);
  const what =
    jobs === null ? `the whole safe "${label}"` : `${jobs.length === 1 ? 'this job' : 'these jobs'} of safe "${label}"`;
  if (options.confirm !== label)
    throw new UsageError(
      `This erases ${what} for good${jobs === null ? '' : `: ${jobs.map(({ job }) => `"${job}"`).join(', ')}`}. If that is what you want, say so: --confirm ${label}`,
    );
  const opened = await openWithSecret(context, found, options);
  const made = eraseOrderOf({ opened, clock: context.platform.clock, jobs });
  await safe.orderErase(made.order, made.entry);
  const orders = await safe.erases();
  const newest = orders.at(-1);
  const id = toHex(newest?.order ?? new Uint8Array(0));
  context.output.result(
    { safe: toHex(safe.safe), label, order: id, jobs: jobs?.map(jobJson) ?? null, due: newest?.dueMs ?? null },
    [
      `Ordered that ${what} is erased for good. Nothing has gone yet: until ${formatTime(newest?.dueMs ?? 0)} everything goes on as before.`,
      `To take it back: twinvault safe erase --vault ${options.vault} --safe ${label} --cancel ${id.slice(0, 8)}`,
    ],
  );
}

async function cancelOrder(
  context: VerbContext,
  found: FoundSafe,
  options: EraseOptions & { readonly cancel: string },
): Promise<void> {
  const { label, safe } = found;
  const [first] = ordersNamed(await safe.erases(), label, options.cancel);
  if (!first.byRoot)
    throw new UsageError('Two operators ordered this, and two take it back: twinvault vault erase --cancel.', 'trust');
  const opened = await openWithSecret(context, found, options);
  await safe.cancelErase(eraseCancelOf({ opened, clock: context.platform.clock, order: first.order, number: first.number }));
  context.output.result({ safe: toHex(safe.safe), label, order: toHex(first.order), cancelled: true }, [
    `Erase order ${toHex(first.order).slice(0, 8)} of safe "${label}" is taken back. Nothing was erased by it where it was not begun.`,
  ]);
}

async function show(context: VerbContext, { label, safe }: FoundSafe, options: EraseOptions): Promise<void> {
  const erases = await safe.erases();
  const certificates = erases.flatMap(({ certificate }) => certificate ?? []);
  // Form and signature: a certificate that somebody changed is not shown as one.
  for (const text of certificates) parseEraseCertificate(text);
  const lines = erases.length === 0 ? [`There is no erase order in safe "${label}".`] : erases.flatMap(orderLines);
  if (options.certificates !== undefined) {
    if (certificates.length === 0)
      throw new UsageError('No site has begun with an order yet, so there is no certificate.', 'missing');
    const bytes = utf8Encode(certificates.map((text) => `${text}\n`).join(''));
    const path = await writeNewFile(context.platform.files, options.certificates, { bytes, mode: 0o644 });
    lines.push(`Wrote ${certificates.length === 1 ? 'the certificate' : `${certificates.length} certificates`} to ${path}.`);
  }
  context.output.result({ safe: toHex(safe.safe), label, orders: erases.map(orderJson) }, lines);
}
