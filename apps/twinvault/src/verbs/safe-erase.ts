/** `twinvault safe erase`: orders what is to be erased for good, takes orders back, and shows what became of them. */
import { parseEraseCertificate } from '@twinvault/format';
import type { EraseJob } from '@twinvault/format';
import type { EraseSummary } from '@twinvault/protocol';
import { eraseCancelOf, eraseOrderOf } from '@twinvault/seal';
import { equalBytes, toHex, utf8Encode } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import type { JsonObject } from '../output/output.ts';
import { formatTime } from '../output/table.ts';
import type { VerbContext } from '../wiring/context.ts';
import type { OpenSafeOptions } from '../wiring/open-safe.ts';
import { openWithSecret } from '../wiring/open-safe.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { FoundSafe, VaultOptions } from '../wiring/open-vault.ts';
import { writeNewFile } from '../wiring/operator-files.ts';

export interface EraseOptions extends OpenSafeOptions, VaultOptions {
  readonly safe: string;
  readonly whole?: true | undefined;
  readonly job?: readonly string[] | undefined;
  readonly computer?: string | undefined;
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
  if (options.whole === true && (options.job !== undefined || options.computer !== undefined))
    throw new UsageError('--whole takes in every job: leave out --job and --computer, or --whole.');
  const jobs = options.whole === true ? null : await jobsOf(found, options);
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

/** Jobs as the records name them, which whoever reads the certificate knows them by. */
async function jobsOf({ safe, label }: FoundSafe, { job: names, computer }: EraseOptions): Promise<EraseJob[]> {
  const jobs = new Map<string, EraseJob>();
  for (const { public: facts } of await safe.records()) {
    if (names !== undefined && !names.includes(facts.job)) continue;
    if (computer !== undefined && facts.computerName !== computer && toHex(facts.computer) !== computer.toLowerCase()) continue;
    jobs.set(`${toHex(facts.computer)} ${facts.job}`, { computer: facts.computer, job: facts.job });
  }
  const missing = names?.filter((name) => ![...jobs.values()].some(({ job }) => job === name)) ?? [];
  if (missing.length > 0 || jobs.size === 0) {
    const wanted = missing.length > 0 ? `job "${missing.join('", "')}"` : `job of computer "${computer ?? ''}"`;
    throw new UsageError(`There is no ${wanted} in safe "${label}". twinvault safesets shows what there is.`, 'missing');
  }
  return [...jobs.values()];
}

function jobJson({ computer, job }: EraseJob): JsonObject {
  return { computer: toHex(computer), job };
}

async function cancelOrder(
  context: VerbContext,
  found: FoundSafe,
  options: EraseOptions & { readonly cancel: string },
): Promise<void> {
  const { label, safe } = found;
  const matching = (await safe.erases()).filter(({ order: digest }) => toHex(digest).startsWith(options.cancel.toLowerCase()));
  const [first] = matching;
  if (first === undefined) throw new UsageError(`There is no erase order "${options.cancel}" in safe "${label}".`, 'missing');
  if (matching.some(({ order: digest }) => !equalBytes(digest, first.order)))
    throw new UsageError(`Several erase orders begin with "${options.cancel}". Give more of the id.`);
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
  const lines = erases.length === 0 ? [`There is no erase order in safe "${label}".`] : erases.flatMap(linesOf);
  if (options.certificates !== undefined) {
    if (certificates.length === 0)
      throw new UsageError('No site has begun with an order yet, so there is no certificate.', 'missing');
    const bytes = utf8Encode(certificates.map((text) => `${text}\n`).join(''));
    const path = await writeNewFile(context.platform.files, options.certificates, { bytes, mode: 0o644 });
    lines.push(`Wrote ${certificates.length === 1 ? 'the certificate' : `${certificates.length} certificates`} to ${path}.`);
  }
  context.output.result({ safe: toHex(safe.safe), label, orders: erases.map(orderJson) }, lines);
}

function orderJson({ site, order: digest, jobs, certificate, ...rest }: EraseSummary): JsonObject {
  return {
    ...rest,
    site: toHex(site),
    order: toHex(digest),
    jobs: jobs?.map(jobJson) ?? null,
    certificate: certificate === null ? null : (JSON.parse(certificate) as JsonObject),
  };
}

const states: Readonly<Record<EraseSummary['state'], string>> = {
  unnamed: 'no ledger entry names it: it means nothing',
  cancelled: 'taken back',
  waiting: 'waits until',
  apart: 'waits for the other site to have it',
  due: 'is begun next',
  begun: 'begun; waits for what is named below',
  done: 'done: nothing is left',
};

function linesOf({ site, order: digest, jobs, state, dueMs, certificate }: EraseSummary): string[] {
  const what = jobs === null ? 'the whole safe' : jobs.map(({ job }) => `job "${job}"`).join(', ');
  const said = state === 'waiting' ? `${states.waiting} ${formatTime(dueMs)}` : states[state];
  const head = `${toHex(digest).slice(0, 8)}  ${what}, at site ${toHex(site).slice(0, 8)}: ${said}`;
  return [head, ...(certificate === null ? [] : certificateLines(certificate))];
}

function certificateLines(text: string): string[] {
  const { removed, store, waiting, waitingLeftOut, problems } = parseEraseCertificate(text);
  const how =
    store.type === 'bucket'
      ? 'all versions, markers and unfinished uploads'
      : `${store.fileSystem === '' ? 'files' : store.fileSystem}, overwritten ${store.passes} times (${store.overwriting}, read back from ${store.readBack})`;
  return [
    `          removed: ${removed.map(({ kind, objects }) => `${objects} ${kind}`).join(', ')}; ${how}`,
    ...waiting.map(
      ({ kind, name, reason, untilMs }) =>
        `          waits: ${kind} ${name.slice(-64, -56)} (${reason}${untilMs === null ? '' : `, until ${formatTime(untilMs)}`})`,
    ),
    ...(waitingLeftOut === 0 ? [] : [`          and ${waitingLeftOut} more`]),
    ...problems.map(({ kind, name, code }) => `          not overwritten: ${kind} ${name} (${code})`),
  ];
}
