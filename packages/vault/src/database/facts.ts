/* Single values of a site's database: they say of which life of the site the tables are. */

import { toHex } from '@twinvault/std';
import type { Kysely } from 'kysely';
import type { SiteDatabase } from './site-database.ts';
import type { SiteTables } from './tables.ts';

/** `generation`: of the site, when the tables were filled. `feed`: of the positions, where it is another. `life`: see care/life.ts. */
export type FactName = 'generation' | 'feed' | 'life';

export async function readFact(database: SiteDatabase, name: FactName): Promise<string | null> {
  const row = await database.read((tables) =>
    tables.selectFrom('facts').select('value').where('name', '=', name).executeTakeFirst(),
  );
  return row?.value ?? null;
}

export async function writeFact(tables: Kysely<SiteTables>, name: FactName, value: string): Promise<void> {
  await tables
    .insertInto('facts')
    .values({ name, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute();
}

/** Of the feeds, hexadecimal: who follows begins again when it is another. That of the site unless positions may have been given twice. */
export async function feedGeneration(database: SiteDatabase, site: Uint8Array): Promise<string> {
  return (await readFact(database, 'feed')) ?? toHex(site);
}
