/*
 * Whether store and database are of the same time. Both know a name that is drawn anew at each start and every ten minutes; where they differ one of them was put
 * back from an image. Then the tables name what is not there, or lack what is, and positions may be given twice: sessions are void, the feed has another
 * generation, and everything is held against the store.
 *
 * An image of both together looks like the end of a node, and its twin finds that the feed is shorter than it was.
 */

import { CodedError, toHex } from '@twinvault/std';
import { readFact, writeFact } from '../database/facts.ts';
import type { CareParts } from './care-parts.ts';

/** At a start, before anything is taken in. Where nothing is known yet nothing differs. */
export async function wasPutBack({ database, vault }: CareParts): Promise<boolean> {
  const known = await readFact(database, 'life');
  if (known === null) return false;
  return !known.split(' ').includes((await vault.life()) ?? '');
}

/** Draws another name. A store or database that takes nothing keeps the one before: nothing is lost by that. */
export async function renewLife({ database, vault }: CareParts): Promise<void> {
  const next = toHex(database.random.bytes(16));
  const tell = (value: string): Promise<void> => database.change((tables) => writeFact(tables, 'life', value));
  try {
    const before = await vault.life();
    // Both are right until the store has the new one for certain.
    await tell(before === null ? next : `${before} ${next}`);
    await vault.tellLife(next);
    await tell(next);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
  }
}

/** What follows when one of them was put back. */
export async function beginOtherFeed({ database, queue }: CareParts): Promise<void> {
  const feed = toHex(database.random.bytes(16));
  // The task first: who dies between the two finds both as they were.
  await queue.add({ kind: 'reconcile', customer: 'site', key: `reconcile of ${feed}` });
  await database.change(async (tables) => {
    await tables.deleteFrom('exchanges').execute();
    await writeFact(tables, 'feed', feed);
  });
}
