/** `twinvault safesets`: the restore points of a safe. */
import type { SitesOfSafe } from '@twinvault/engine';
import type { RecordSummary } from '@twinvault/protocol';
import { formatBytes, toHex } from '@twinvault/std';
import type { JsonObject } from '../output/output.ts';
import { findingsJson } from '../output/site-findings.ts';
import { formatCount, formatTable, formatTime } from '../output/table.ts';
import type { VerbContext } from '../wiring/context.ts';
import { compared, sitesOf } from '../wiring/compare-sites.ts';
import { seenLedger } from '../wiring/open-safe.ts';
import { marksOf } from '../wiring/marks.ts';
import type { ShownMark } from '../wiring/marks.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';

export interface SafesetsOptions extends VaultOptions {
  readonly safe: string;
  readonly job?: string | undefined;
  readonly state?: string | undefined;
}

export async function safesets(context: VerbContext, options: SafesetsOptions): Promise<void> {
  await using vault = await openVault(context, options);
  const { label, safe } = await openNamedSafe(vault, options.safe);
  const ledger = await seenLedger(context, safe, options.state);
  const findings = await compared(context, { vault, safe }, options);
  const records = await safe.records({ kind: 'safeset', ...(options.job === undefined ? {} : { job: options.job }) });
  const live = records.filter((record) => !record.retired);
  const marked = live.some((record) => marksOf(record, ledger).length > 0);
  const sites = live.some((record) => record.sites !== undefined) ? await siteNames(await sitesOf(vault, safe, options)) : null;
  const lines = formatTable(
    [
      { title: 'Safeset' },
      { title: 'Ended' },
      { title: 'Computer' },
      { title: 'Job' },
      { title: 'Type' },
      { title: 'Result' },
      { title: 'Files', align: 'right' },
      { title: 'Protected', align: 'right' },
      { title: 'Sent', align: 'right' },
      ...(sites === null ? [] : [{ title: 'Sites' }]),
      ...(marked ? [{ title: 'Marks' }] : []),
    ],
    live.map((record) => [
      toHex(record.public.safeset).slice(0, 8),
      formatTime(record.public.endMs),
      record.public.computerName,
      record.public.job,
      record.public.retention,
      record.public.result,
      formatCount(record.public.counts.files),
      formatBytes(record.public.counts.bytesProtected),
      formatBytes(record.public.counts.bytesUploaded),
      ...(sites === null ? [] : [sites(record)]),
      ...(marked ? [marksOf(record, ledger).map(markText).join(', ')] : []),
    ]),
  );
  const none = `Safe "${label}" holds no safeset${options.job === undefined ? '' : ` of job "${options.job}"`} yet.`;
  context.output.result(
    {
      safe: toHex(safe.safe),
      label,
      findings: findingsJson(findings),
      safesets: live.map((record) => ({ ...safesetJson(record), marks: marksOf(record, ledger).map((mark) => ({ ...mark })) })),
    },
    live.length === 0 ? [none] : lines,
  );
}

/** Where a safeset stands: by the names that were given, of another site by the beginning of its id. */
async function siteNames(safe: SitesOfSafe): Promise<(record: RecordSummary) => string> {
  const names = new Map((await safe.atSites()).map(({ site }) => [toHex(site.info.site), site.name]));
  return ({ sites = [] }) => sites.map((site) => names.get(toHex(site)) ?? toHex(site).slice(0, 8)).join(', ');
}

function markText({ kind, by }: ShownMark): string {
  return by === 'vault' ? `${kind} (unusual run)` : kind;
}

export function safesetJson(record: RecordSummary): JsonObject {
  const { public: known } = record;
  return {
    safeset: toHex(known.safeset),
    record: toHex(record.digest),
    job: known.job,
    computer: toHex(known.computer),
    computerName: known.computerName,
    type: known.retention,
    sequence: known.sequence,
    result: known.result,
    start: new Date(known.startMs).toISOString(),
    end: new Date(known.endMs).toISOString(),
    received: new Date(record.receivedMs).toISOString(),
    storedBytes: record.storedBytes,
    ...(record.sites === undefined ? {} : { sites: record.sites.map(toHex) }),
    counts: { ...known.counts },
  };
}
