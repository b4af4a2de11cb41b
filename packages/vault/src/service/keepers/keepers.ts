/*
 * What is open at a site, sessions and readings, and what looks after it: now and then this node lets go of what nobody asks about, and ends
 * what clients left behind at any node.
 */

import { minuteMs, toHex } from '@twinvault/std';
import type { Clock, Timer, Timers } from '@twinvault/std';
import { safeIdFromHex } from '@twinvault/format';
import { Exchanges } from '../../database/exchanges.ts';
import type { SiteDatabase } from '../../database/site-database.ts';
import type { SiteReading } from '../../reading/reading.ts';
import type { ReadingState, SessionState } from '../../sessions/carried.ts';
import type { SiteVault } from '../../site-vault.ts';
import type { Log } from '../log.ts';
import { Keeper } from './keeper.ts';
import { KeptSession } from './kept-session.ts';

export interface KeepersParts {
  readonly vault: SiteVault;
  readonly database: SiteDatabase;
  readonly ports: { readonly clock: Clock; readonly timers: Timers };
  readonly log: Log;
}

const sweepMs: number = minuteMs / 2;
const collectMax = 100;

export class Keepers implements AsyncDisposable {
  readonly sessions: Keeper<KeptSession>;
  readonly readings: Keeper<SiteReading>;
  readonly #exchanges: Exchanges;
  readonly #log: Log;
  readonly #timer: Timer;

  constructor({ vault, database, ports: { clock, timers }, log }: KeepersParts) {
    const exchanges = new Exchanges(database);
    this.#exchanges = exchanges;
    this.#log = log;
    this.sessions = new Keeper({
      kind: 'session',
      exchanges,
      clock,
      resume: async ({ safe }, state) => {
        const opened = await vault.openSafe(safeIdFromHex(safe));
        return new KeptSession(await opened.resumeSession(state as unknown as SessionState));
      },
    });
    this.readings = new Keeper({
      kind: 'reading',
      exchanges,
      clock,
      resume: async ({ safe }, state) =>
        (await vault.openSafe(safeIdFromHex(safe))).resumeReading(state as unknown as ReadingState),
      unkept: async ({ safe }) => {
        const opened = await vault.openSafe(safeIdFromHex(safe));
        const state: ReadingState = { lease: null, generation: toHex((await vault.site()).generation) };
        return { value: await opened.resumeReading(state), state: { ...state } };
      },
    });
    this.#timer = timers.every(sweepMs, () => void this.#sweep());
  }

  async #sweep(): Promise<void> {
    try {
      await this.sessions.sweep();
      await this.readings.sweep();
      // Their leases were not renewed either: they lapse by themselves.
      await this.#exchanges.collectLapsed(collectMax);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
      this.#log.warn({ code }, 'sessions could not be swept');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer.cancel();
    await this.sessions[Symbol.asyncDispose]();
    await this.readings[Symbol.asyncDispose]();
  }
}
