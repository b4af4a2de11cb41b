/*
 * The live list of one session in pages. The list has no order of its own and is made while it is read, so one reading of it is kept between
 * pages; who asks for another page than the next gets it by a new reading. A pack that two readings give at different places
 * may then be left out, which costs the client an upload and nothing else.
 */

import { livePageBytesMax } from '@twinvault/protocol';
import type { LivePack, VaultSession } from '@twinvault/protocol';

export interface LivePage {
  readonly packs: readonly LivePack[];
  /** Null on the last page. */
  readonly next: number | null;
}

const frameBytes = 4 + 32 + 16;

export class LivePages implements AsyncDisposable {
  readonly #session: Pick<VaultSession, 'liveList'>;
  #reading: AsyncIterator<LivePack> | null = null;
  #position = 0;
  #before: Promise<unknown> = Promise.resolve();
  /** The last page, should its answer have been lost. */
  #last: { readonly from: number; readonly page: LivePage } | null = null;

  constructor(session: Pick<VaultSession, 'liveList'>) {
    this.#session = session;
  }

  /** `from`: how many packs stand on the pages before. */
  page(from: number): Promise<LivePage> {
    const page = this.#before.then(() => this.#page(from));
    this.#before = page.catch(() => undefined);
    return page;
  }

  async #page(from: number): Promise<LivePage> {
    if (this.#last?.from === from) return this.#last.page;
    if (this.#reading === null || this.#position !== from) await this.#begin(from);
    const page = await this.#fill();
    this.#last = { from, page };
    return page;
  }

  async #begin(from: number): Promise<void> {
    await this[Symbol.asyncDispose]();
    this.#reading = this.#session.liveList()[Symbol.asyncIterator]();
    for (this.#position = 0; this.#position < from; this.#position += 1) {
      if ((await this.#reading.next()).done === true) break;
    }
    this.#position = from;
  }

  async #fill(): Promise<LivePage> {
    const packs: LivePack[] = [];
    for (let bytes = 0; bytes < livePageBytesMax;) {
      const answer = await this.#reading?.next();
      if (answer === undefined || answer.done === true) return { packs, next: null };
      packs.push(answer.value);
      bytes += frameBytes + answer.value.tail.length;
      this.#position += 1;
    }
    return { packs, next: this.#position };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const reading = this.#reading;
    this.#reading = null;
    await reading?.return?.();
  }
}
