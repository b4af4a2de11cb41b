/*
 * The nodes of a site that run now: one row for each, renewed while it does, and taken away when it has stopped in good order. A row that nobody
 * renews is of a node that died: what it made durable last may stand in no table.
 */

import { minuteMs } from '@twinvault/std';
import type { SiteDatabase } from './site-database.ts';

export const nodeSeenEveryMs: number = minuteMs;
/** A node that was silent for so long counts as dead where that cannot be known for certain: one on another machine. */
export const nodeLapseMs: number = 5 * minuteMs;

export class Nodes {
  readonly #database: SiteDatabase;

  constructor(database: SiteDatabase) {
    this.#database = database;
  }

  /** It runs. A node that was taken for dead and was not is there again. */
  async seen(node: string): Promise<void> {
    await this.#database.change(async (tables) => {
      const seenMs = await this.#database.nowMs(tables);
      await tables
        .insertInto('nodes')
        .values({ node, seenMs })
        .onConflict((conflict) => conflict.column('node').doUpdateSet({ seenMs }))
        .execute();
    });
  }

  /** Those that died, sorted: gone for certain, or silent for longer than `nodeLapseMs`; also those of a time to come, which a clock that was ahead wrote. */
  async dead(isGone: (node: string) => boolean): Promise<string[]> {
    const [nowMs, rows] = await this.#database.read(
      async (tables) =>
        [await this.#database.nowMs(tables), await tables.selectFrom('nodes').selectAll().orderBy('node').execute()] as const,
    );
    return rows.filter(({ node, seenMs }) => isGone(node) || Math.abs(nowMs - seenMs) > nodeLapseMs).map(({ node }) => node);
  }

  /** They stopped in good order, or what they left was seen to. */
  async forget(nodes: readonly string[]): Promise<void> {
    if (nodes.length === 0) return;
    await this.#database.change((tables) => tables.deleteFrom('nodes').where('node', 'in', nodes).execute());
  }
}
