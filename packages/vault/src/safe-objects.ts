import type { SafeId } from '@twinvault/format';
import type { EventTurns } from '@twinvault/std';
import type { Cache } from './store/cache.ts';
import type { SafeLayout } from './store/layout.ts';
import type { ObjectStore } from './store/object-store.ts';

/** What can be told of a safe from its objects alone: enough for all that looks up what refs name. */
export interface SafeObjects {
  readonly store: Pick<ObjectStore, 'get' | 'stat' | 'list' | 'listDeep' | 'open'>;
  readonly cache: Pick<Cache, 'get' | 'put' | 'list'>;
  readonly safe: SafeId;
  readonly layout: SafeLayout;
  /** Where others want the event loop; left out in a thread of its own. */
  readonly turns?: EventTurns;
}
