/* All that a site answers, put together from the features. */

import type { Clock, Timers } from '@twinvault/std';
import { customerOf } from '../../care/care-parts.ts';
import { eraseSoon } from '../../care/erase.ts';
import { Inventory } from '../../database/inventory.ts';
import type { FollowedTwin } from '../../care/follow.ts';
import { Metering } from '../../database/metering.ts';
import type { SiteDatabase } from '../../database/site-database.ts';
import type { WorkQueue } from '../../database/work-queue.ts';
import type { SiteVault } from '../../site-vault.ts';
import { SafeRoom } from '../fairness/safe-room.ts';
import type { BodyMemory } from '../http/body-memory.ts';
import type { Handlers } from '../http/http-app.ts';
import { Announcements } from '../keepers/announcements.ts';
import type { Keepers } from '../keepers/keepers.ts';
import { eraseHandlers } from './erase-handlers.ts';
import { feedHandlers } from './feed-handlers.ts';
import { operatorHandlers } from './operator-handlers.ts';
import { readingHandlers } from './reading-handlers.ts';
import { safeHandlers } from './safe-handlers.ts';
import { sessionHandlers } from './session-handlers.ts';
import { siteHandlers } from './site-handlers.ts';

export interface AllHandlersParts {
  readonly vault: SiteVault;
  readonly database: SiteDatabase;
  readonly keepers: Keepers;
  /** In which packs arrive. */
  readonly memory: BodyMemory;
  readonly safeBytesMax?: number | null;
  readonly ports: { readonly clock: Clock; readonly timers: Timers };
  readonly twins?: readonly FollowedTwin[];
  readonly queue: WorkQueue;
  /** Has this node look for work at once. */
  readonly wake: () => void;
  /** Aborted when the site stops. */
  readonly stopping: AbortSignal;
}

export function siteHandlersOf(all: AllHandlersParts): Handlers {
  const { vault, database, keepers, memory, ports, queue, wake, stopping, safeBytesMax: bytesMax = null } = all;
  const inventory = new Inventory(database);
  const announcements = new Announcements(inventory);
  const parts = { vault, announcements };
  const room = new SafeRoom({ inventory, clock: ports.clock, bytesMax });
  const look = async (safe: string, packs: readonly string[]): Promise<void> => {
    const customer = await customerOf({ vault }, safe);
    await queue.add({ kind: 'look', customer, safe, input: packs, key: `look ${safe} ${packs[0] ?? ''}` });
    wake();
  };
  const soon = async (safe: string): Promise<void> => {
    await eraseSoon({ queue, vault }, safe);
    wake();
  };
  return {
    ...siteHandlers(vault),
    ...safeHandlers(parts),
    ...eraseHandlers({ ...parts, eraseSoon: soon }),
    ...sessionHandlers({ ...parts, sessions: keepers.sessions, room, memory }),
    ...readingHandlers({ ...parts, readings: keepers.readings, look }),
    ...feedHandlers({ ...parts, inventory, database, ports, stopping }),
    ...operatorHandlers({ ...parts, queue, metering: new Metering(database), database, twins: all.twins ?? [], wake }),
  };
}
