/* One put of a name at a time over all nodes of a site: for stores that overlook the condition of a put. */

import { secondMs } from '@twinvault/std';
import { withLock } from '../leases/locks.ts';
import type { LockPorts } from '../leases/locks.ts';

/** Runs the body while nobody else of the site puts this name; `demand` throws when that is so no more. */
export type PutGate = <T>(name: string, body: (demand: () => Promise<void>) => Promise<T>) => Promise<T>;

/** Long enough for whoever puts the same name, and for the lease of one who died. `vault-busy` after that. */
const waitMsMax: number = 150 * secondMs;

/** By a lease named `puts/` and the name. */
export function leaseGate(ports: LockPorts): PutGate {
  return (name, body) =>
    withLock(ports, { name: `puts/${name}`, generation: '', waitMs: waitMsMax }, (lock) => body(() => lock.check()));
}
