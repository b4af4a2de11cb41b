/* How far each twin's feed of each safe was taken in: one row for both, for operators, metrics and alarms. */

import type { SiteDatabase } from './site-database.ts';
import type { TwinLagsTable } from './tables.ts';

export type TwinLag = TwinLagsTable;

/** What one run of following told. Left out: as it was. */
export interface ToldLag extends Pick<TwinLag, 'twin' | 'safe'> {
  readonly behindObjects?: number;
  readonly behindBytes?: number;
  /** It was read to its end now. */
  readonly isRead?: boolean;
  /** All its names were compared now. */
  readonly isCompared?: boolean;
  readonly skewMs?: number;
  readonly problem?: string | null;
}

export class TwinLags {
  readonly #database: SiteDatabase;

  constructor(database: SiteDatabase) {
    this.#database = database;
  }

  async tell({ twin, safe, isRead = false, isCompared = false, ...told }: ToldLag): Promise<void> {
    await this.#database.change(async (tables) => {
      const nowMs = await this.#database.nowMs(tables);
      const before = await tables
        .selectFrom('twinLags')
        .selectAll()
        .where('twin', '=', twin)
        .where('safe', '=', safe)
        .executeTakeFirst();
      const known = before ?? { ...nothingKnown, twin, safe };
      const next = { ...known, ...told };
      const row = {
        ...next,
        behindSinceMs: next.behindObjects > 0 ? (known.behindSinceMs ?? nowMs) : null,
        readMs: isRead ? nowMs : known.readMs,
        comparedMs: isCompared ? nowMs : known.comparedMs,
      };
      await tables
        .insertInto('twinLags')
        .values(row)
        .onConflict((conflict) => conflict.columns(['twin', 'safe']).doUpdateSet(row))
        .execute();
    });
  }

  all(): Promise<TwinLag[]> {
    return this.#database.read((tables) => tables.selectFrom('twinLags').selectAll().orderBy('twin').orderBy('safe').execute());
  }

  async find(twin: string, safe: string): Promise<TwinLag | null> {
    const row = await this.#database.read((tables) =>
      tables.selectFrom('twinLags').selectAll().where('twin', '=', twin).where('safe', '=', safe).executeTakeFirst(),
    );
    return row ?? null;
  }

  /** Forgets twins that are none any more. */
  async keepOnly(twins: readonly string[]): Promise<void> {
    await this.#database.change((tables) =>
      tables
        .deleteFrom('twinLags')
        .$if(twins.length > 0, (query) => query.where('twin', 'not in', [...twins]))
        .execute(),
    );
  }
}

const nothingKnown = {
  behindObjects: 0,
  behindBytes: 0,
  behindSinceMs: null,
  readMs: null,
  comparedMs: null,
  skewMs: 0,
  problem: null,
} as const;
