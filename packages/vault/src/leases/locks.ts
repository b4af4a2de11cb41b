/*
 * Short exclusive sections of a safe ("commit", "clean"): exclusive leases that one waits for.
 */

import { ProtocolError } from '@twinvault/protocol';
import { minuteMs, toHex } from '@twinvault/std';
import type { Clock, Random, Timers } from '@twinvault/std';
import { lockLapseMs } from './leases.ts';
import type { Lease, Leases } from './leases.ts';

export interface LockPorts {
  readonly leases: Leases;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
}

export interface LockRequest {
  readonly name: string;
  readonly generation: string;
  /** How long to wait for another holder; 0: not at all. */
  readonly waitMs: number;
}

export const lockWaitMsDefault: number = 10 * minuteMs;
const pollMsMin = 5;
const pollMsMax = 500;

/** Runs `body` while the lock is held; `vault-busy` when it cannot be had in time. The body calls `lock.check()` before each step that must not be repeated. */
export async function withLock<T>(ports: LockPorts, request: LockRequest, body: (lock: Lease) => Promise<T>): Promise<T> {
  await using lock = await takeLock(ports, request);
  return await body(lock);
}

async function takeLock(ports: LockPorts, { name, generation, waitMs }: LockRequest): Promise<Lease> {
  const { leases, clock, timers, random } = ports;
  const startedMs = clock.monotonicMs();
  for (let pollMs = pollMsMin; ; pollMs = Math.min(2 * pollMs, pollMsMax)) {
    const answer = await leases.take({ name, lapseMs: lockLapseMs, generation });
    if (answer.type === 'taken') return answer.lease;
    if (clock.monotonicMs() - startedMs >= waitMs) {
      throw new ProtocolError('vault-busy', {
        context: { lock: name.slice(name.lastIndexOf('/') + 1), holder: answer.by.holder },
      });
    }
    // Spread over the period, so that waiters do not knock in step.
    const [spread = 0] = random.bytes(1);
    await timers.sleep(pollMs * (0.5 + spread / 256));
  }
}

/** For the names of shared leases. */
export function randomLeaseName(kind: 'read' | 'session', random: Random): string {
  return `${kind}-${toHex(random.bytes(16))}`;
}
