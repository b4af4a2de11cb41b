/*
 * What a node that died has left behind: it may have made objects durable and died before it announced them. No twin hears of those, since a feed is read
 * from the tables. So after each death the tables are held against the store, by one task, whichever node notices.
 */

import { Nodes, nodeSeenEveryMs } from '../database/nodes.ts';
import type { Json } from '../database/tasks.ts';
import type { TaskRun } from '../database/worker.ts';
import { careSafe } from './care-parts.ts';
import type { CareParts, CaringNode } from './care-parts.ts';
import { reconcileSafe } from './reconcile.ts';

/** Asks for reconciling where nodes have died; the number of them. Idempotent, also beside others that do the same. */
export async function askAfterDead({ database, queue, node }: CareParts): Promise<number> {
  if (node === undefined) return 0;
  const nodes = new Nodes(database);
  const dead = await nodes.dead(node.isGone);
  const [first] = dead;
  if (first === undefined) return 0;
  // The task first: who dies between the two leaves them to be found again. Its key is of them: a task of an earlier death may be past the safe already.
  await queue.add({ kind: 'reconcile', customer: 'site', key: `reconcile after ${first}` });
  await nodes.forget(dead);
  return dead.length;
}

export interface RunningNode {
  /** How many had died when it began. */
  readonly dead: number;
  /** It takes nothing in any more. Not orderly: it may have left what no table has, and the next start sees to it as after a death. */
  end(isOrderly: boolean): Promise<void>;
}

/** Says that this node runs, from before it takes anything in. */
export async function beginNode(parts: CareParts & { readonly node: CaringNode }): Promise<RunningNode> {
  const { database, ports, node } = parts;
  const nodes = new Nodes(database);
  // A system that cannot tell processes apart gives all the same name: one that is there already is of an earlier life, as far as anybody knows.
  const { isGone } = node;
  const dead = await askAfterDead({ ...parts, node: { ...node, isGone: (name) => name === node.name || isGone(name) } });
  await nodes.seen(node.name);
  const timer = ports.timers.every(nodeSeenEveryMs, () => void nodes.seen(node.name).catch(() => undefined));
  return {
    dead,
    end: async (isOrderly) => {
      timer.cancel();
      if (isOrderly) await nodes.forget([node.name]);
    },
  };
}

/** All safes, one after the other; broken off, it goes on with the one it was at. */
export async function reconcileAll(parts: CareParts, run: TaskRun): Promise<Json> {
  const { after = '' } = (run.memo ?? {}) as { readonly after?: string };
  const total = { safes: 0, announced: 0, withdrawn: 0 };
  for (const { safe } of await parts.vault.safes()) {
    const site = await careSafe(parts, safe);
    if (site === null || site.hex <= after) continue;
    const { announced, withdrawn } = await reconcileSafe(site.context, parts.inventory, run.signal);
    total.safes += 1;
    total.announced += announced;
    total.withdrawn += withdrawn;
    await run.remember({ after: site.hex });
  }
  return total;
}
