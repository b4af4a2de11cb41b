/* What each job of each safe used on each day. A day's row is written again as often as it is measured; the last counts. */

import type { SiteDatabase } from './site-database.ts';
import type { MeteringTable as MeteredDay } from './tables.ts';

export type { MeteredDay };

export interface MeteringRange {
  /** Days, both inclusive. */
  readonly from: number;
  readonly to: number;
  readonly safe?: string;
}

/** Rows of one answer. */
export const meteringRowsMax = 100_000;

export class Metering {
  readonly #database: SiteDatabase;

  constructor(database: SiteDatabase) {
    this.#database = database;
  }

  /** The rows of one safe and day; what stood for both before is gone. */
  async measured(safe: string, day: number, rows: readonly MeteredDay[]): Promise<void> {
    await this.#database.change(async (tables) => {
      await tables.deleteFrom('metering').where('safe', '=', safe).where('day', '=', day).execute();
      for (const row of rows)
        await tables
          .insertInto('metering')
          .values({ ...row, safe, day })
          .execute();
    });
  }

  /** In order of day, safe, computer and job; at most `meteringRowsMax`. */
  rows({ from, to, safe }: MeteringRange): Promise<readonly MeteredDay[]> {
    return this.#database.read((tables) =>
      tables
        .selectFrom('metering')
        .selectAll()
        .where('day', '>=', from)
        .where('day', '<=', to)
        .$if(safe !== undefined, (query) => query.where('safe', '=', safe ?? ''))
        .orderBy('day')
        .orderBy('safe')
        .orderBy('computer')
        .orderBy('job')
        .limit(meteringRowsMax)
        .execute(),
    );
  }

  /** Forgets these jobs of a safe, or with null the safe. */
  async forget(safe: string, jobs: readonly { readonly computer: string; readonly job: string }[] | null): Promise<void> {
    await this.#database.change(async (tables) => {
      const ofSafe = tables.deleteFrom('metering').where('safe', '=', safe);
      if (jobs === null) await ofSafe.execute();
      else for (const { computer, job } of jobs) await ofSafe.where('computer', '=', computer).where('job', '=', job).execute();
    });
  }

  /** Forgets everything. */
  async clear(): Promise<void> {
    await this.#database.change((tables) => tables.deleteFrom('metering').execute());
  }
}
