/*
 * The sealing session of a run, renewed before its secret has been in memory for too long (seal, sessionMsMax): a run may
 * last for days. Packs name their own session, so that old and new ones stand side by side in one safeset.
 */
import type { Clock, Random } from '@twinvault/std';
import { newSealingSession, sessionMsMax } from '@twinvault/seal';
import type { NewSealingSession, SealingSession } from '@twinvault/seal';

/** An open pack may still take its time. */
export const sessionRenewMs: number = sessionMsMax / 2;

export class RunSealing {
  private readonly input: NewSealingSession;
  private readonly clock: Clock;
  private startMs: number;
  session: SealingSession;

  constructor(input: Omit<NewSealingSession, 'random'>, { clock, random }: { clock: Clock; random: Random }) {
    // With given bytes the encapsulation runs in JavaScript and takes 200 ms.
    this.input = random.isSystem === true ? input : { ...input, random };
    this.clock = clock;
    this.startMs = clock.monotonicMs();
    this.session = newSealingSession(this.input);
  }

  /** The new session when it is time for one, else null. */
  renewed(): SealingSession | null {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.startMs < sessionRenewMs) return null;
    this.startMs = nowMs;
    this.session = newSealingSession(this.input);
    return this.session;
  }
}
