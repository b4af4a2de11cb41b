/*
 * A node in a process of its own, for the tests that kill one: adds tasks, announces objects, claims and ends tasks, and says on its output
 * what was acknowledged to it. Its one argument is the database, as JSON.
 */

import { writeSync } from 'node:fs';
import { toHex } from '@twinvault/std';
import { nodePlatform } from '@twinvault/std/node';
import { Inventory } from '../src/database/inventory.ts';
import { openSiteDatabase } from '../src/database/open-database.ts';
import type { DatabaseConfig } from '../src/database/open-database.ts';
import { WorkQueue } from '../src/database/work-queue.ts';

const platform = nodePlatform();
const config = JSON.parse(process.argv[2] ?? '') as DatabaseConfig;
await using database = await openSiteDatabase({ config, platform });
const queue = new WorkQueue(database);
const inventory = new Inventory(database);
const self = toHex(platform.random.bytes(4));

/** Synchronous, so that nothing which was said is lost with the process. */
function say(verb: string, what: string): void {
  writeSync(1, `${verb} ${what}\n`);
}

for (let round = 0; ; round += 1) {
  say('added', await queue.add({ kind: 'clean', customer: `c${round % 3}` }));
  const name = `${self}-${round}`;
  await inventory.announce('aa', [{ kind: 'pack', name, bytes: 1 }]);
  say('announced', name);
  const claim = await queue.claim({ kinds: ['clean'], node: self });
  if (claim === null) continue;
  say('claimed', claim.task.id);
  await claim.remember({ round });
  say('remembered', `${claim.task.id} ${round}`);
  // Every third task is still in its hands when it is killed, whenever that is.
  if (round % 3 === 2) continue;
  await claim.complete({ by: self });
  say('done', claim.task.id);
}
