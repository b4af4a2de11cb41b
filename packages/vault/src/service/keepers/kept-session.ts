/* A session at hand, with the pages of its live list. */

import type { SiteSession } from '../../sessions/session.ts';
import type { Kept } from './keeper.ts';
import { LivePages } from './live-pages.ts';

export class KeptSession implements Kept {
  readonly session: SiteSession;
  readonly pages: LivePages;

  constructor(session: SiteSession) {
    this.session = session;
    this.pages = new LivePages(session);
  }

  renew(): Promise<void> {
    return this.session.renew();
  }

  async end(): Promise<void> {
    await this.pages[Symbol.asyncDispose]();
    await this.session.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pages[Symbol.asyncDispose]();
    await this.session[Symbol.asyncDispose]();
  }
}
