/*
 * Short exclusive sections of a safe ("commit", "clean"): exclusive leases that one waits for.
 */

import { ProtocolError } from '@twinvault/protocol';
import { minuteMs, toHex } from '@twinvault/std';
import type { Clock } from '@twinvault/std';
import { noteText } from '../store/notes.ts';
import { lockLapseMs, takeLease } from './lease.ts';
import type { Lease, LeasePorts } from './lease.ts';

export interface LockRequest {
  readonly path: string;
  readonly generation: string;
  readonly clock: Clock;
  /** How long to wait for another holder; 0: not at all. */
  readonly waitMs: number;
}

export const lockWaitMsDefault: number = 10 * minuteMs;
const pollMsMin = 5;
const pollMsMax = 500;

/** Runs `body` while the lock is held; `vault-busy` when it cannot be had in time. The body calls `lock.check()` before each step that must not be repeated. */
export async function withLock<T>(ports: LeasePorts, request: LockRequest, body: (lock: Lease) => Promise<T>): Promise<T> {
  await using lock = await takeLock(ports, request);
  return await body(lock);
}

async function takeLock(ports: LeasePorts, { path, generation, clock, waitMs }: LockRequest): Promise<Lease> {
  const startedMs = clock.monotonicMs();
  for (let pollMs = pollMsMin; ; pollMs = Math.min(2 * pollMs, pollMsMax)) {
    const answer = await takeLease(ports, { path, lapseMs: lockLapseMs, generation });
    if (answer.type === 'taken') return answer.lease;
    if (clock.monotonicMs() - startedMs >= waitMs) {
      const holder = answer.by.note === null ? '' : (noteText(answer.by.note, 'holder') ?? '');
      throw new ProtocolError('vault-busy', { context: { lock: path.slice(path.lastIndexOf('/') + 1), holder } });
    }
    // Spread over the period, so that waiters do not knock in step.
    const [spread = 0] = ports.random.bytes(1);
    await ports.timers.sleep(pollMs * (0.5 + spread / 256));
  }
}

/** For the names of shared leases. */
export function randomLeaseName(kind: 'read' | 'session', random: { bytes(count: number): Uint8Array }): string {
  return `${kind}-${toHex(random.bytes(16))}`;
}
