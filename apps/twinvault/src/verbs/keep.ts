/** `twinvault keep`: what clean-up keeps and why, and with --simulate what it will keep over a year to come. Changes nothing. */
import type { Ledger } from '@twinvault/format';
import type { RecordSummary } from '@twinvault/protocol';
import { dayMs, toHex } from '@twinvault/std';
import { evaluateRetention, retentionItems, ruleOf, simulateRetention } from '@twinvault/vault';
import type { KeepRules, RetentionItem, RetentionRule, SimulatedCount, SimulatedItem } from '@twinvault/vault';
import type { JsonObject } from '../output/output.ts';
import { retentionReasons } from '../output/retention-reasons.ts';
import { formatCount, formatTable, formatTime } from '../output/table.ts';
import type { VerbContext } from '../wiring/context.ts';
import { seenLedger } from '../wiring/open-safe.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';
import { rulesOf, ruleText } from '../wiring/retention-rules.ts';
import { learntRhythms, rhythmOf, runsOf } from '../wiring/schedules.ts';
import type { Rhythm } from '../wiring/schedules.ts';

export interface KeepVerbOptions extends VaultOptions {
  readonly safe: string;
  readonly keep?: readonly string[] | undefined;
  readonly intraday?: true | undefined;
  readonly simulate?: true | undefined;
  readonly every?: readonly string[] | undefined;
  readonly state?: string | undefined;
}

const spanMs = 365 * dayMs;

/** What is shown, once all is read. */
interface Preview {
  readonly label: string;
  readonly items: readonly RetentionItem[];
  readonly summaries: ReadonlyMap<string, RecordSummary>;
  readonly rule: (type: string) => RetentionRule | null;
  readonly nowMs: number;
}

export async function keepVerb(context: VerbContext, options: KeepVerbOptions): Promise<void> {
  const tried = rulesOf(options.keep ?? [], options.intraday === true);
  const rhythms = (options.every ?? []).map(rhythmOf);
  await using vault = await openVault(context, options);
  const { label, safe } = await openNamedSafe(vault, options.safe);
  const ledger = await seenLedger(context, safe, options.state);
  const records = await safe.records({ kind: 'safeset' });
  const preview: Preview = {
    label,
    items: retentionItems(records, ledger),
    summaries: new Map(records.map((record) => [toHex(record.digest), record])),
    rule: (type) => tried.get(type) ?? ruleOf(type, {} satisfies KeepRules, ledger),
    nowMs: context.platform.clock.nowMs(),
  };
  const types = [...new Set([...tried.keys(), ...ledger.retentions().keys(), ...preview.items.map(({ type }) => type)])].sort();
  const rules = types.map((type) => ({ type, rule: preview.rule(type), tried: tried.has(type) }));
  const head = {
    safe: toHex(safe.safe),
    label,
    rules: rules.map(({ type, rule, tried: isTried }) => ({ retention: type, tried: isTried, rule: ruleJson(rule) })),
  };
  const ruleLines = rules.map(
    ({ type, rule, tried: isTried }) =>
      `  ${type}: ${rule === null ? 'no rule, everything stays' : ruleText(rule)}${isTried ? ' (tried here)' : ''}`,
  );
  const shown = options.simulate === true ? simulated(preview, rhythms) : present(preview);
  const lines = [`Retention types of safe "${label}":`, ...(ruleLines.length === 0 ? [noRules(ledger)] : ruleLines), ''];
  context.output.result({ ...head, ...shown.json }, [...lines, ...shown.lines]);
}

function ruleJson(rule: RetentionRule | null): JsonObject | null {
  return rule === null ? null : { days: rule.days, copies: rule.copies, intraday: rule.intraday };
}

function noRules(ledger: Ledger): string {
  return ledger.retentions().size === 0 ? '  none yet: twinvault safe retention makes them' : '';
}

interface Shown {
  readonly json: JsonObject;
  readonly lines: readonly string[];
}

function present(preview: Preview): Shown {
  const { items, rule, nowMs, label } = preview;
  const decisions = evaluateRetention(items, { nowMs, ruleOf: rule });
  const rows = decisions.map(({ item, keep, reason }) => [
    ...itemCells(preview, item),
    keep ? 'stays' : 'may go',
    retentionReasons[reason],
  ]);
  const json = {
    safesets: decisions.map(({ item, keep, reason }) => ({ ...itemJson(preview, item), keep, reason })),
  };
  if (rows.length === 0)
    return { json, lines: [`Safe "${label}" holds no safeset yet. --simulate --every TYPE=RHYTHM tries a plan.`] };
  const table = formatTable([...itemColumns, { title: 'Today' }, { title: 'Why' }], rows);
  return { json, lines: [...table, '', 'twinvault keep --simulate shows the year to come.'] };
}

function simulated(preview: Preview, given: readonly Omit<Rhythm, 'job'>[]): Shown {
  const { items, nowMs, rule } = preview;
  const rhythms = rhythmsOf(items, given);
  const span = { fromMs: nowMs, untilMs: nowMs + spanMs };
  const simulation = simulateRetention({
    ...span,
    items,
    schedule: rhythms.map((rhythm) => runsOf(rhythm, items, span)),
    rules: { ruleOf: rule },
  });
  const standing = simulation.items.filter(({ scheduled }) => !scheduled);
  const countRows = simulation.counts.map(({ job, type, now, most, end }) => [
    jobName(preview, job),
    type,
    rhythms.find((one) => one.job === job && one.type === type)?.text ?? 'no more',
    ...[now, most, end].map((count) => formatCount(count)),
  ]);
  const countTable = formatTable(
    [
      { title: 'Job' },
      { title: 'Type' },
      { title: 'New ones' },
      { title: 'Today', align: 'right' },
      { title: 'At most', align: 'right' },
      { title: 'In a year', align: 'right' },
    ],
    countRows,
  );
  const table = formatTable(
    [...itemColumns, { title: 'Goes' }, { title: 'Why' }],
    standing.map(({ item, goesMs, last }) => [
      ...itemCells(preview, item),
      goesMs === null ? 'stays' : formatTime(goesMs).slice(0, 10),
      retentionReasons[last],
    ]),
  );
  return {
    json: {
      until: new Date(span.untilMs).toISOString(),
      schedule: rhythms.map(({ job, type, text }) => ({ job: jobName(preview, job), retention: type, rhythm: text })),
      counts: simulation.counts.map((count) => countJson(preview, count)),
      safesets: standing.map((one) => simulatedJson(preview, one)),
    },
    lines: [
      'Safesets if these go on coming and clean runs once a day, until a year from now:',
      '',
      ...(countRows.length === 0 ? ['  none: say with --every TYPE=RHYTHM what will come'] : countTable),
      ...(standing.length === 0 ? [] : ['', 'Safesets that stand today:', '', ...table]),
    ],
  };
}

/** What is given goes for every job that has the type, or for one that is planned; other types go on as they came. */
function rhythmsOf(items: readonly RetentionItem[], given: readonly Omit<Rhythm, 'job'>[]): Rhythm[] {
  const planned = given.flatMap((rhythm): Rhythm[] => {
    const jobs = new Set(items.filter(({ type }) => type === rhythm.type).map(({ job }) => job));
    const all = new Set(items.map(({ job }) => job));
    const [only] = all;
    const fallback = all.size === 1 && only !== undefined ? [only] : [plannedJob];
    return (jobs.size > 0 ? [...jobs] : fallback).map((job) => ({ job, ...rhythm }));
  });
  return [...planned, ...learntRhythms(items).filter((learnt) => !given.some(({ type }) => type === learnt.type))];
}

const plannedJob = 'planned';

const itemColumns = [{ title: 'Safeset' }, { title: 'Received' }, { title: 'Computer' }, { title: 'Job' }, { title: 'Type' }];

function itemCells({ summaries }: Preview, { id, receivedMs, type }: RetentionItem): string[] {
  const known = summaries.get(id)?.public;
  if (known === undefined) return [];
  return [toHex(known.safeset).slice(0, 8), formatTime(receivedMs), known.computerName, known.job, type];
}

function itemJson({ summaries }: Preview, { id, receivedMs, type, sequence }: RetentionItem): JsonObject {
  const known = summaries.get(id)?.public;
  return {
    safeset: known === undefined ? null : toHex(known.safeset),
    record: id,
    computerName: known?.computerName ?? null,
    job: known?.job ?? null,
    retention: type,
    sequence,
    received: new Date(receivedMs).toISOString(),
  };
}

function simulatedJson(preview: Preview, { item, first, last, goesMs }: SimulatedItem): JsonObject {
  const goes = goesMs === null ? null : new Date(goesMs).toISOString();
  return { ...itemJson(preview, item), reason: first, goes, reasonThen: last };
}

function countJson(preview: Preview, { job, type, now, most, end }: SimulatedCount): JsonObject {
  return { job: jobName(preview, job), retention: type, now, most, end };
}

/** As people know it; with the computer where there are several. */
function jobName({ summaries, items }: Preview, key: string): string {
  const item = items.find(({ job }) => job === key);
  const known = item === undefined ? undefined : summaries.get(item.id)?.public;
  if (known === undefined) return key;
  return new Set(items.map(({ job }) => job)).size > 1 ? `${known.job} (${known.computerName})` : known.job;
}
