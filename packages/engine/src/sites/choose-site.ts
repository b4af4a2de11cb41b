/*
 * Which site a run goes to. The one that knows the newest safeset of the job comes first, then home. A site that shows less than was seen there is left out; one
 * that merely has not got the newest yet is taken when no other serves, and the job then forks until the next run that sees both.
 */
import { equalBytes, toHex } from '@twinvault/std';
import type { CodedError } from '@twinvault/std';
import { ProtocolError } from '@twinvault/protocol';
import type { OpenSite, SafeAtSite } from '@twinvault/protocol';
import type { AgentKeys } from '@twinvault/seal';
import { EngineError } from '../errors.ts';
import { headKey } from '../run/opening.ts';
import type { SafeState } from '../state/agent-state.ts';
import type { JobHead, Pins } from '../state/pins.ts';
import { compareSites, lists } from './compare-sites.ts';
import type { SiteFinding, SiteMemory, SiteView } from './compare-sites.ts';
import { memoriesOf, viewSites } from './view-sites.ts';
import type { SitesOfSafe, ViewedSite } from './view-sites.ts';

export interface SiteToRunAt extends SafeAtSite {
  readonly view: SiteView;
  /** The newest safeset of the job that this computer has seen is not there: what must be there instead. Left out where it is. */
  readonly headSeen?: JobHead | null;
}

export interface SiteChoice {
  readonly sites: readonly SiteToRunAt[];
  /** Of this job. */
  readonly findings: readonly SiteFinding[];
  /** Why none is left; null where one is, or none was there. */
  readonly refusal: CodedError | null;
}

export interface JobAtSites {
  readonly safe: SitesOfSafe;
  readonly state: SafeState;
  readonly agent: AgentKeys;
  readonly job: string;
}

/** Sites of `given` are left out. `head-unknown` when every site was asked and none knows the head; FormatError, what sites throw. */
export async function chooseSites(of: JobAtSites, given: ReadonlySet<OpenSite>): Promise<SiteChoice> {
  const { safe, state, agent, job } = of;
  const { viewed, unreadable } = await viewSites(safe, { filter: { job, computer: agent.computer }, given });
  const pins = await state.pins();
  const key = headKey(agent, job);
  const views = viewed.map(({ view }) => view);
  const memories = await memoriesOf(state, views);
  const findings = compareSites(views, (site) => ofJob(memories.get(toHex(site)), key));
  // A head that is on its way on a seed disk stands at no site yet: the run itself says so.
  const pinned = pins.seed(key) === null ? pins.head(key) : null;
  const isKnown = pinned === null || views.some((view) => lists(view, pinned.record));
  if (!isKnown && safe.count > 1 && views.length === safe.count)
    throw new EngineError('head-unknown', { context: { seen: pinned.sequence, sites: views.length } });
  const ledger = await state.ledgerHead(agent);
  const behind = viewed.filter(({ view }) => !view.ledger.extends(ledger));
  const usable = viewed.filter((one) => !behind.includes(one) && !findings.some((found) => isRolledBack(found, one.view)));
  const isAlone = views.length < safe.count;
  const sites = usable.flatMap((one) => siteToRunAt(one, { pinned, pins, key, isAlone }) ?? []);
  const newest = sites.filter(({ headSeen }) => headSeen === undefined);
  const chosen = [...newest, ...sites.filter(({ headSeen }) => headSeen !== undefined)];
  return {
    sites: chosen,
    findings: [...unreadable, ...findings],
    refusal: chosen.length > 0 || viewed.length === 0 ? null : refusalOf(behind, ledger.number),
  };
}

/** What is remembered of other jobs cannot be held against a list of this one. */
function ofJob(memory: SiteMemory | undefined, key: string): SiteMemory {
  const head = memory?.heads.get(key);
  const seen = memory?.seen ?? null;
  return { seen: seen === null ? null : { ...seen, newest: null }, heads: new Map(head === undefined ? [] : [[key, head]]) };
}

function isRolledBack(finding: SiteFinding, view: SiteView): boolean {
  return finding.type === 'rolled-back' && finding.view === view;
}

interface Known {
  readonly pinned: JobHead | null;
  readonly pins: Pins;
  readonly key: string;
  /** Another site was named and could not be asked: it may have the head. */
  readonly isAlone: boolean;
}

/** Null where the head was seen at no other site, so that this one must have lost it. */
function siteToRunAt(viewed: ViewedSite, { pinned, pins, key, isAlone }: Known): SiteToRunAt | null {
  const { view } = viewed;
  if (pinned === null || lists(view, pinned.record)) return viewed;
  const isElsewhere = isAlone || pins.isHeadElsewhere(view.site, key, pinned.record);
  const seen = pins.headsAt(view.site).get(key) ?? null;
  if (!isElsewhere || (seen !== null && equalBytes(seen.record, pinned.record))) return null;
  return { ...viewed, headSeen: seen };
}

function refusalOf(behind: readonly ViewedSite[], seen: number): CodedError {
  const [first] = behind;
  if (first === undefined) return new EngineError('head-rolled-back');
  return new ProtocolError('ledger-behind', { context: { seen, served: first.view.ledger.head.number } });
}
