/** The second of two operators: sees what is to be erased, or taken back, countersigns it and submits it. */
import { safeIdFromHex } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { SafeSummary, Vault } from '@twinvault/protocol';
import { completeCancel, completeErase } from '@twinvault/protocol/wire';
import type { CancelProposal, EraseFacts, EraseProposal, OperatorKey, Proposal, ProposedAct } from '@twinvault/protocol/wire';
import { equalBytes, toHex } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import { partText } from '../output/erase-orders.ts';
import type { JsonObject } from '../output/output.ts';
import { formatTable, formatTime } from '../output/table.ts';
import type { VerbContext } from './context.ts';
import { customerSafes, ledgerOf } from './erase-safes.ts';
import { countOfSafes, leftLines, leftOut } from './left-out.ts';
import type { LeftOut } from './left-out.ts';
import { placeWords } from './operator-files.ts';

export interface CountersignStep {
  readonly vault: Vault;
  readonly key: OperatorKey;
  /** As it was given. */
  readonly place: string;
  readonly confirm: string | undefined;
}

interface Submitted {
  readonly label: string;
  readonly safe: string;
  /** The order's name, hexadecimal. */
  readonly order: string;
  readonly what: string;
  readonly dueMs: number | null;
}

export async function countersignErase(context: VerbContext, step: CountersignStep, proposal: EraseProposal): Promise<void> {
  const { vault, place } = step;
  const words = placeWords(place);
  const safes = await safesOf(vault, proposal);
  if (proposal.customer !== '') await demandOfCustomer(context, vault, proposal);
  demandConfirmed(step, proposal, safes);
  const { done, left } = await submitEach(proposal.acts, safes, (act, summary) => eraseOne(step, act, summary));
  const rows = done.map(({ label, order, what, dueMs }) => [label, order.slice(0, 8), what, formatTime(dueMs ?? 0)]);
  tell(context, { done, left, proposal }, [
    `Ordered that this is erased for good, as "${proposal.by.name}" proposed at ${formatTime(proposal.createdMs)} and you countersigned:`,
    '',
    ...formatTable([{ title: 'safe' }, { title: 'order' }, { title: 'what' }, { title: 'not before' }], rows),
    ...leftLines(left, reasons),
    '',
    'Nothing has gone yet. Each site waits its time, and until its twin has the order too; until then everything goes on as before.',
    `To take it back, two operators again: twinvault vault erase ${words} --key-file KEY --safe NAME --cancel ORDER --propose FILE`,
    `What becomes of it: twinvault vault certificate ${words} --safe NAME`,
  ]);
}

const reasons = {
  erased: 'it was erased already',
  begun: 'it was begun already',
  'object-unknown': 'no ledger names this order',
} as const;

async function eraseOne(
  { vault, key }: CountersignStep,
  act: ProposedAct<EraseFacts>,
  { safe: id, label }: SafeSummary,
): Promise<Submitted> {
  const safe = await vault.openSafe(id);
  const { name, order, entry } = completeErase(key, await ledgerOf(safe), act);
  await safe.orderErase(order, entry);
  const standing = (await safe.erases()).find((summary) => equalBytes(summary.order, name));
  const { jobs } = act.facts;
  return { label, safe: toHex(id), order: toHex(name), what: partText(jobs), dueMs: standing?.dueMs ?? null };
}

export async function countersignCancel(context: VerbContext, step: CountersignStep, proposal: CancelProposal): Promise<void> {
  const { vault, key } = step;
  const safes = await safesOf(vault, proposal);
  const { done, left } = await submitEach(proposal.acts, safes, async (act, { safe: id, label }) => {
    const safe = await vault.openSafe(id);
    await safe.cancelErase(completeCancel(key, await ledgerOf(safe), act)).catch((error: unknown) => {
      if (error instanceof ProtocolError && error.code === 'erased')
        throw new UsageError(
          `Order ${act.facts.cancels.slice(0, 8)} of safe "${label}" was begun: it cannot be taken back any more.`,
          'missing',
        );
      throw error;
    });
    return { label, safe: toHex(id), order: act.facts.cancels, what: '', dueMs: null };
  });
  tell(context, { done, left, proposal }, [
    `Taken back, as "${proposal.by.name}" proposed at ${formatTime(proposal.createdMs)} and you countersigned:`,
    '',
    ...formatTable(
      [{ title: 'safe' }, { title: 'order' }],
      done.map(({ label, order }) => [label, order.slice(0, 8)]),
    ),
    ...leftLines(left, reasons),
    '',
    'Nothing is erased by these orders where it was not begun. A twin that is named here too, or takes it from this site, obeys as well.',
  ]);
}

/** The safes of the proposal as the site lists them; one that it does not list is told of when it is its turn. */
async function safesOf(vault: Vault, { acts }: Proposal): Promise<ReadonlyMap<string, SafeSummary>> {
  const listed = new Map((await vault.safes()).map((summary) => [toHex(summary.safe), summary]));
  return new Map(acts.map(({ facts: { safe } }) => [safe, listed.get(safe) ?? { safe: safeIdFromHex(safe), label: '' }]));
}

/** Nothing of another customer's: what the file says counts for nothing. */
async function demandOfCustomer(context: VerbContext, vault: Vault, { acts, customer }: EraseProposal): Promise<void> {
  const theirs = await customerSafes(vault, customer, { erased: true });
  const ids = new Set(theirs.map(({ safe }) => toHex(safe)));
  const others = acts.map(({ facts }) => facts.safe).filter((safe) => !ids.has(safe));
  if (others.length > 0)
    throw new UsageError(
      `The proposal says customer "${customer}", and these safes are not theirs at this site: ${others.join(', ')}. Nothing was ordered.`,
      'trust',
    );
  const proposed = new Set(acts.map(({ facts }) => facts.safe));
  const since = theirs.filter(({ safe, erased }) => erased !== true && !proposed.has(toHex(safe))).map(({ safe }) => toHex(safe));
  if (since.length > 0)
    context.output.note(
      `Customer "${customer}" has ${countOfSafes(since.length)} more that the proposal does not take in: ${since.join(', ')}.`,
    );
}

const listedMax = 20;

/** Whoever is the second sees first what goes. */
function demandConfirmed({ confirm }: CountersignStep, proposal: EraseProposal, safes: ReadonlyMap<string, SafeSummary>): void {
  const { acts, customer, by } = proposal;
  const label = (safe: string): string => safes.get(safe)?.label ?? '';
  const [first] = acts;
  const wanted =
    customer !== '' ? customer : acts.length === 1 && first !== undefined ? label(first.facts.safe) : `${acts.length} safes`;
  if (confirm === wanted) return;
  const rows = acts.slice(0, listedMax).map(({ facts }) => [label(facts.safe), facts.safe, partText(facts.jobs)]);
  const more = acts.length > listedMax ? [`and ${acts.length - listedMax} more`] : [];
  const list = formatTable([{ title: 'safe' }, { title: 'id' }, { title: 'what' }], rows);
  throw new UsageError(
    [
      `"${by.name}" proposes that this is erased for good${customer === '' ? '' : `, of customer "${customer}"`}:`,
      ...[...list, ...more].map((line) => `  ${line}`),
      `If that is what you want, say so with --confirm ${wanted.includes(' ') ? `"${wanted}"` : wanted} and it is ordered.`,
    ].join('\n'),
  );
}

interface Outcome {
  readonly done: readonly Submitted[];
  readonly left: readonly LeftOut[];
}

/** One after the other: what was refused leaves the others as they are, and the same call again goes on. Of a single act the error itself is told. */
async function submitEach<Facts extends { readonly safe: string }>(
  acts: readonly ProposedAct<Facts>[],
  safes: ReadonlyMap<string, SafeSummary>,
  submit: (act: ProposedAct<Facts>, summary: SafeSummary) => Promise<Submitted>,
): Promise<Outcome> {
  const done: Submitted[] = [];
  const left: LeftOut[] = [];
  for (const act of acts) {
    const summary = safes.get(act.facts.safe) ?? { safe: safeIdFromHex(act.facts.safe), label: '' };
    try {
      done.push(await submit(act, summary));
    } catch (error) {
      if (acts.length === 1) throw error;
      if (error instanceof UsageError) left.push({ label: summary.label, safe: act.facts.safe, code: 'begun' });
      else left.push(leftOut(summary, error));
    }
  }
  return { done, left };
}

function tell(
  context: VerbContext,
  { done, left, proposal }: Outcome & { readonly proposal: Proposal },
  lines: readonly string[],
): void {
  if (left.length > 0) context.setExit('withErrors');
  const safes = done.map(({ label, safe, order, dueMs }) => ({ label, safe, order, due: dueMs }));
  const result: JsonObject = { kind: proposal.kind, by: proposal.by.name, safes, left: left.map((one) => ({ ...one })) };
  context.output.result(result, lines);
}
