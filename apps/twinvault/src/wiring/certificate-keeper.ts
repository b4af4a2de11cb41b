/*
 * Keeps the certificate of a running site fresh: has an authority issue the next one in time, or takes what somebody else put in the place of the files
 * that the site was given. Whatever fails is told, and the site goes on with what it has.
 */
import type { Platform } from '@twinvault/std';
import { nodeNetwork } from '@twinvault/std/node';
import { openAcmeAnswers, orderCertificate, Renewal, WatchedFiles } from '@twinvault/vault/service';
import type { AcmeConfig, CertificateState } from '@twinvault/vault/service';
import { accountKey, authoritiesOf, keepIssued, keptAttempts, siteCertificate } from './site-certificate.ts';
import type { CertifiedSite, SiteCertificate } from './site-certificate.ts';
import { readSecret } from './site-files.ts';

export type CertificateEvent =
  | { readonly type: 'renewed'; readonly toMs: number }
  /** What an earlier process tried has its pause still. `againMs`: when it is tried next, ms since 1970. */
  | { readonly type: 'waits'; readonly failures: number; readonly againMs: number }
  | { readonly type: 'failed'; readonly error: unknown; readonly againMs: number };

export interface KeeperOptions {
  readonly platform: Platform;
  readonly site: CertifiedSite;
  readonly heard: (event: CertificateEvent) => void;
}

export class CertificateKeeper implements CertificateState, AsyncDisposable {
  readonly #options: KeeperOptions;
  #current: SiteCertificate;
  #renewal: Renewal | null = null;
  #watched: WatchedFiles<SiteCertificate> | null = null;

  private constructor(options: KeeperOptions, current: SiteCertificate) {
    this.#options = options;
    this.#current = current;
  }

  /** What siteCertificate throws. */
  static async open(options: KeeperOptions): Promise<CertificateKeeper> {
    return new CertificateKeeper(options, await siteCertificate(options.platform, options.site));
  }

  get current(): SiteCertificate {
    return this.#current;
  }

  get toMs(): number {
    return this.#current.toMs;
  }

  get failures(): number {
    return this.#renewal?.failures ?? this.#watched?.failures ?? 0;
  }

  /** `use`: shows another certificate from now on. Returns at once; what there is nothing to do for is left alone. */
  start(use: (certificate: SiteCertificate) => void): void {
    const { platform, site, heard } = this.#options;
    const { certificate } = site;
    const take = (next: SiteCertificate): SiteCertificate => {
      use(next);
      this.#current = next;
      heard({ type: 'renewed', toMs: next.toMs });
      return next;
    };
    const shared = {
      ports: platform,
      failed: (error: unknown, againMs: number) => heard({ type: 'failed', error, againMs }),
    };
    const current = this.#current;
    if (certificate.type === 'own') {
      this.#watched = new WatchedFiles({ ...shared, current, read: () => siteCertificate(platform, site), take });
    }
    if (certificate.type === 'acme') {
      this.#renewal = new Renewal({
        ...shared,
        attempts: keptAttempts(platform, site.state, certificate.acme),
        waits: (attempts) => heard({ type: 'waits', ...attempts }),
        validity: current.isIssued === true ? current : null,
        renew: async (signal) => take(await keepIssued(platform, site, await this.#order(certificate, signal))),
      });
    }
  }

  async #order(
    { acme, authorities: path }: { readonly acme: AcmeConfig; readonly authorities: string | null },
    signal: AbortSignal,
  ): Promise<string> {
    const { platform, site } = this.#options;
    const { directory, contact, externalAccount, challenges } = acme;
    const { authorities } = await authoritiesOf(platform, path);
    const trust = authorities === undefined ? {} : { authorities: [authorities] };
    using network = nodeNetwork({ environment: process.env, ...trust });
    await using answers = await openAcmeAnswers(challenges);
    const order = {
      directory,
      contact,
      host: site.host,
      accountKey: await accountKey(platform, site.state, acme),
      key: this.#current.key,
      externalAccount: externalAccount === null ? null : { id: externalAccount.id, key: await readSecret(externalAccount.key) },
    };
    return await orderCertificate(order, { network, clock: platform.clock, timers: platform.timers, answers }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watched?.[Symbol.dispose]();
    await this.#renewal?.[Symbol.asyncDispose]();
  }
}
