/*
 * The sites at which a vault stands for a client: one after the other as they were named, opened when they are needed. A site that fails is left alone for a
 * while, and the other one is asked; when all fail, each is asked again, so that two sites are never worse than one.
 */
import { equalBytes, secondMs } from '@twinvault/std';
import type { Clock, CodedError, Timers } from '@twinvault/std';
import { ProtocolError } from '../errors.ts';
import type { SiteInfo, Vault } from '../vault-port.ts';
import { siteFailure } from './site-failure.ts';

/** Sites that a client uses at once: as many as a safe may stand at. */
export const clientSitesMax = 2;
/** How long a client waits for a site when another one serves. */
export const secondSiteMsMax: number = 5 * secondMs;
/** How long a site that failed is left alone. */
export const siteRestMs: number = 60 * secondMs;

/** Where one of the sites is, and how it is opened. */
export interface SitePlace {
  /** As people named it: an address, or a directory of this machine. */
  readonly name: string;
  open(how: SiteOpening): Promise<Vault>;
  /** Asked once, for a few seconds at most. Never throws. */
  isReachable(): Promise<boolean>;
}

export interface SiteOpening {
  /** Whether another site can be reached, so that there is no use in waiting long for this one. Never throws. */
  readonly elsewhere: () => Promise<boolean>;
  /** Nobody needs the site any more. */
  readonly signal: AbortSignal;
}

export interface OpenSite {
  readonly name: string;
  readonly info: SiteInfo;
  readonly vault: Vault;
}

/** Told once each time that a site goes away, and when it serves again. */
export interface SiteEvent {
  readonly type: 'away' | 'back';
  readonly name: string;
  /** Why it is away. */
  readonly code: string | null;
}

export interface SiteSetOptions {
  readonly places: readonly SitePlace[];
  readonly ports: { readonly clock: Clock; readonly timers: Timers };
  readonly told?: (event: SiteEvent) => void;
}

interface Member {
  readonly place: SitePlace;
  open: OpenSite | null;
  opening: Promise<OpenSite> | null;
  /** When it failed, monotonic. */
  awaySinceMs: number | null;
  error: unknown;
}

export class SiteSet implements AsyncDisposable {
  readonly #options: SiteSetOptions;
  readonly #members: readonly Member[];
  readonly #ended = new AbortController();

  constructor(options: SiteSetOptions) {
    this.#options = options;
    this.#members = options.places.map((place) => ({ place, open: null, opening: null, awaySinceMs: null, error: null }));
  }

  get names(): readonly string[] {
    return this.#members.map(({ place }) => place.name);
  }

  /** It failed, and was not found to serve since. */
  isAway(site: OpenSite): boolean {
    return this.#members.some(({ open, awaySinceMs }) => open === site && awaySinceMs !== null);
  }

  /**
   * Those that serve, in the order in which they were named. One that failed is asked again after `siteRestMs`, without waiting for it while another serves.
   * The error of the first when none does. `site-twice` when two places are one site.
   */
  async serving(): Promise<readonly OpenSite[]> {
    const steady = this.#members.filter(({ awaySinceMs }) => awaySinceMs === null);
    const found = await this.#openAll(steady);
    if (found.length > 0) {
      for (const member of this.#members) if (this.#isRested(member)) void this.#open(member).catch(() => null);
      return found;
    }
    const all = await this.#openAll(this.#members);
    if (all.length > 0) return all;
    throw this.#members[0]?.error;
  }

  /** Asks the sites one after the other until one answers. Throws what says most: that the thing is lacking, else the first failure. */
  async any<T>(sites: readonly OpenSite[], ask: (site: OpenSite) => Promise<T>): Promise<T> {
    const errors: unknown[] = [];
    for (const site of sites) {
      try {
        return await ask(site);
      } catch (error) {
        if (!this.failed(site, error)) throw error;
        errors.push(error);
      }
    }
    throw errors.find((error) => siteFailure(error) === 'lacks') ?? errors[0];
  }

  /** What all of these sites answer, those left out that fail. When all fail, it throws as `any` does. */
  async every<T>(sites: readonly OpenSite[], ask: (site: OpenSite) => Promise<T>): Promise<{ site: OpenSite; answer: T }[]> {
    const settled = await Promise.allSettled(sites.map(ask));
    const answers: { site: OpenSite; answer: T }[] = [];
    const errors: unknown[] = [];
    for (const [index, result] of settled.entries()) {
      const site = sites[index];
      if (site === undefined) continue;
      if (result.status === 'fulfilled') answers.push({ site, answer: result.value });
      else if (this.failed(site, result.reason)) errors.push(result.reason);
      else throw result.reason;
    }
    if (answers.length > 0) return answers;
    throw errors.find((error) => siteFailure(error) === 'lacks') ?? errors[0];
  }

  /** Notes a failure at a site. False: the error is none of the site's, and the other would answer the same. */
  failed(site: OpenSite, error: unknown): boolean {
    const failure = siteFailure(error);
    if (failure === null) return false;
    const member = this.#members.find(({ open }) => open === site);
    if (failure === 'away' && member !== undefined) this.#rest(member, error);
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    const openings = this.#members.flatMap(({ opening }) => opening ?? []);
    for (const result of await Promise.allSettled(openings)) {
      if (result.status === 'fulfilled') await result.value.vault[Symbol.asyncDispose]();
    }
  }

  /** Once one serves, the others have `secondSiteMsMax` more. */
  async #openAll(members: readonly Member[]): Promise<readonly OpenSite[]> {
    if (members.some(({ open, awaySinceMs }) => open === null || awaySinceMs !== null)) {
      const openings = members.map(async (member) => await this.#open(member));
      const settled = Promise.allSettled(openings);
      await Promise.any(openings).catch(() => null);
      const waiting = new AbortController();
      await Promise.race([settled, this.#options.ports.timers.sleep(secondSiteMsMax, waiting.signal).catch(() => null)]);
      waiting.abort();
      for (const member of members) if (member.open === null && member.error === null) this.#rest(member, slow());
    }
    const open = members.flatMap(({ open: site, awaySinceMs }) => (site === null || awaySinceMs !== null ? [] : [site]));
    demandDifferent(open);
    return open;
  }

  async #open(member: Member): Promise<OpenSite> {
    const { place, open } = member;
    if (open !== null && member.awaySinceMs === null) return open;
    if (open !== null && !(await place.isReachable())) {
      this.#rest(member, member.error);
      throw member.error;
    }
    member.opening ??= this.#openFirst(place);
    try {
      member.open = await member.opening;
      this.#wake(member);
      return member.open;
    } catch (error) {
      member.opening = null;
      this.#rest(member, error);
      throw error;
    }
  }

  async #openFirst(place: SitePlace): Promise<OpenSite> {
    const vault = await place.open({ elsewhere: async () => await this.#elsewhere(place), signal: this.#ended.signal });
    try {
      return { name: place.name, info: await vault.site(), vault };
    } catch (error) {
      await vault[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #elsewhere(than: SitePlace): Promise<boolean> {
    const others = this.#members.filter(({ place }) => place !== than);
    const answers = await Promise.all(others.map(async ({ place }) => await place.isReachable()));
    return answers.includes(true);
  }

  #isRested({ awaySinceMs }: Member): boolean {
    return awaySinceMs !== null && this.#options.ports.clock.monotonicMs() - awaySinceMs >= siteRestMs;
  }

  #rest(member: Member, error: unknown): void {
    const isNews = member.awaySinceMs === null;
    member.awaySinceMs = this.#options.ports.clock.monotonicMs();
    member.error = error;
    const { name } = member.place;
    if (isNews) this.#options.told?.({ type: 'away', name, code: (error as Partial<CodedError>).code ?? null });
  }

  #wake(member: Member): void {
    if (member.awaySinceMs === null) return;
    member.awaySinceMs = null;
    member.error = null;
    this.#options.told?.({ type: 'back', name: member.place.name, code: null });
  }
}

function slow(): ProtocolError {
  return new ProtocolError('network-timeout', { context: { timeoutMs: secondSiteMsMax } });
}

function demandDifferent([first, ...others]: readonly OpenSite[]): void {
  if (first === undefined) return;
  if (others.some(({ info }) => equalBytes(info.site, first.info.site))) throw new ProtocolError('site-twice');
}
