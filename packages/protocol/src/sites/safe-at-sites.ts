/*
 * One safe at two sites. Both are asked where both may know something; the ledgers are replayed, so that a damaged one is passed over and two that contradict
 * each other stop everything.
 *
 * Invariant: what a caller gets of ledger and slots is of one site, and no site that serves has a longer ledger.
 */
import { FormatError, Ledger } from '@twinvault/format';
import type { RecordDigest, SafeId, SiteId } from '@twinvault/format';
import { CodedError, equalBytes, toHex } from '@twinvault/std';
import { ProtocolError } from '../errors.ts';
import type {
  EraseSummary,
  RecordFilter,
  RecordSummary,
  SessionRequest,
  VaultReading,
  VaultSafe,
  VaultSession,
} from '../vault-port.ts';
import { ReadingAtSites } from './reading-at-sites.ts';
import type { OpenSite, SiteSet } from './site-set.ts';

/** The safe at one of the sites. */
export interface SafeAtSite {
  readonly site: OpenSite;
  readonly safe: VaultSafe;
}

interface ServedLedger {
  readonly site: OpenSite;
  readonly entries: readonly Uint8Array[];
  readonly ledger: Ledger;
}

export class SafeAtSites implements VaultSafe {
  readonly safe: SafeId;
  readonly sites: SiteSet;
  readonly #home: SiteId | null;
  readonly #opened = new Map<OpenSite, Promise<VaultSafe>>();

  constructor(sites: SiteSet, { safe, home }: { readonly safe: SafeId; readonly home: SiteId | null }) {
    this.safe = safe;
    this.sites = sites;
    this.#home = home;
  }

  /** Sites that were named. */
  get count(): number {
    return this.sites.names.length;
  }

  failed(site: OpenSite, error: unknown): boolean {
    return this.sites.failed(site, error);
  }

  isAway(site: OpenSite): boolean {
    return this.sites.isAway(site);
  }

  /** At each site that serves and has it, home first. `safe-unknown` when none has it. */
  async atSites(): Promise<readonly SafeAtSite[]> {
    const answers = await this.sites.every(await this.#serving(), async (site) => await this.at(site));
    return answers.map(({ site, answer }) => ({ site, safe: answer }));
  }

  /** The safe at this site; `safe-unknown`. */
  async at(site: OpenSite): Promise<VaultSafe> {
    const opening = this.#opened.get(site) ?? site.vault.openSafe(this.safe);
    this.#opened.set(site, opening);
    try {
      return await opening;
    } catch (error) {
      this.#opened.delete(site);
      throw error;
    }
  }

  async descriptor(): Promise<Uint8Array> {
    return await this.#any(async (safe) => await safe.descriptor());
  }

  async slots(): Promise<readonly Uint8Array[]> {
    const [longest, ...others] = await this.#ledgers();
    const sites = [longest, ...others.filter(({ entries }) => entries.length === longest?.entries.length)];
    return await this.#anyOf(
      sites.flatMap((served) => served?.site ?? []),
      async (safe) => await safe.slots(),
    );
  }

  /** The longer one of both. `ledger-forked` when neither extends the other. */
  async ledger(from: number): Promise<readonly Uint8Array[]> {
    const [longest] = await this.#ledgers();
    return longest?.entries.slice(from - 1) ?? [];
  }

  async appendLedger(entry: Uint8Array): Promise<void> {
    await this.#atHome(async (safe) => await safe.appendLedger(entry));
  }

  async replaceSlots(slots: readonly Uint8Array[], entry: Uint8Array): Promise<void> {
    await this.#atHome(async (safe) => await safe.replaceSlots(slots, entry));
  }

  async orderErase(order: Uint8Array, entry: Uint8Array): Promise<void> {
    await this.#atHome(async (safe) => await safe.orderErase(order, entry));
  }

  /** At every site that serves: one that does not have the order yet would take it afterwards. */
  async cancelErase(cancel: Uint8Array): Promise<void> {
    const answers = await this.#everyOf(await this.#serving(), async (safe) => {
      return await safe.cancelErase(cancel).then(
        () => null,
        (error: unknown) => error,
      );
    });
    if (answers.every(({ answer }) => answer !== null)) throw answers[0]?.answer;
  }

  async erases(): Promise<readonly EraseSummary[]> {
    const answers = await this.#everyOf(await this.#serving(), async (safe) => await safe.erases());
    return answers.flatMap(({ answer }) => answer).sort((a, b) => a.number - b.number);
  }

  /** Of all sites that serve: retired is what none has whole any more. `sites` are those that have it, as far as they can be asked, or else are told of. */
  async records(filter?: RecordFilter): Promise<readonly RecordSummary[]> {
    const answers = await this.#everyOf(await this.#serving(), async (safe) => await safe.records(filter));
    const asked = answers.map(({ site }) => site.info.site);
    const united = new Map<string, RecordSummary>();
    for (const { site, answer } of answers) {
      for (const record of answer) {
        const known = united.get(toHex(record.digest));
        united.set(toHex(record.digest), unite(known, { record, at: site.info.site, asked }));
      }
    }
    return [...united.values()].sort((a, b) => a.receivedMs - b.receivedMs);
  }

  async record(digest: RecordDigest): Promise<Uint8Array> {
    return await this.#any(async (safe) => await safe.record(digest));
  }

  /** At the first site that takes one. A backup chooses its site by itself: see `atSites`. */
  async openSession(request: SessionRequest): Promise<VaultSession> {
    return await this.#any(async (safe) => await safe.openSession(request));
  }

  async openReading(): Promise<VaultReading> {
    const reading = new ReadingAtSites(this, await this.#serving());
    await reading.open();
    return reading;
  }

  /** Those that serve, home first. */
  async #serving(): Promise<readonly OpenSite[]> {
    const serving = await this.sites.serving();
    const isHome = ({ info }: OpenSite): boolean => this.#home !== null && equalBytes(info.site, this.#home);
    return [...serving.filter(isHome), ...serving.filter((site) => !isHome(site))];
  }

  async #any<T>(ask: (safe: VaultSafe) => Promise<T>): Promise<T> {
    return await this.#anyOf(await this.#serving(), ask);
  }

  async #anyOf<T>(sites: readonly OpenSite[], ask: (safe: VaultSafe) => Promise<T>): Promise<T> {
    return await this.sites.any(sites, async (site) => await ask(await this.at(site)));
  }

  async #everyOf<T>(sites: readonly OpenSite[], ask: (safe: VaultSafe) => Promise<T>): Promise<{ site: OpenSite; answer: T }[]> {
    return await this.sites.every(sites, async (site) => await ask(await this.at(site)));
  }

  /** The longest first; those that do not verify are left out while another does. */
  async #ledgers(): Promise<readonly ServedLedger[]> {
    const served = await this.#everyOf(await this.#serving(), async (safe) => {
      const [descriptor, entries] = await Promise.all([safe.descriptor(), safe.ledger(1)]);
      return { descriptor, entries };
    });
    const ledgers: ServedLedger[] = [];
    let damage: unknown = null;
    for (const { site, answer } of served) {
      try {
        ledgers.push({ site, entries: answer.entries, ledger: Ledger.replay(answer.descriptor, answer.entries) });
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        damage ??= error;
      }
    }
    const [longest, ...others] = ledgers.sort((a, b) => b.entries.length - a.entries.length);
    if (longest === undefined) throw damage;
    for (const { ledger } of others) {
      if (longest.ledger.extends(ledger.head)) continue;
      throw new ProtocolError('ledger-forked', { context: { seen: ledger.head.number, served: longest.ledger.head.number } });
    }
    return ledgers;
  }

  /** The site that refuses because it is not home says who is. */
  async #atHome(change: (safe: VaultSafe) => Promise<void>): Promise<void> {
    const sites = await this.#serving();
    let refusal: unknown = null;
    for (const site of sites) {
      try {
        await change(await this.at(site));
        return;
      } catch (error) {
        const isNotHome = error instanceof CodedError && error.code === 'not-home';
        if (!isNotHome && !this.sites.failed(site, error)) throw error;
        refusal = isNotHome ? error : (refusal ?? error);
      }
    }
    throw refusal;
  }
}

interface Listed {
  readonly record: RecordSummary;
  readonly at: SiteId;
  /** Sites whose own lists say what they have. */
  readonly asked: readonly SiteId[];
}

function unite(known: RecordSummary | undefined, { record, at, asked }: Listed): RecordSummary {
  const told = (record.sites ?? []).filter((site) => !asked.some((other) => equalBytes(site, other)));
  const here = record.retired ? told : [at, ...told];
  const sites = [...(known?.sites ?? []), ...here].filter(
    (site, index, all) => all.findIndex((other) => equalBytes(site, other)) === index,
  );
  const base = known === undefined || (known.retired && !record.retired) ? record : known;
  return { ...base, receivedMs: Math.min(record.receivedMs, known?.receivedMs ?? record.receivedMs), sites };
}
