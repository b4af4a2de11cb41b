/* Phases of a run with their times, and the progress that the caller is told a few times a second. */
import type { Clock, Timer, Timers } from '@twinvault/std';
import type { BackupPhase, BackupProgress } from '../report.ts';

const tickMs = 250;

export type ProgressNumbers = Omit<BackupProgress, 'phase' | 'elapsedMs'>;

export interface RunProgressOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly tell: ((progress: BackupProgress) => void) | null;
}

export class RunProgress implements Disposable {
  private readonly options: RunProgressOptions;
  private readonly startedMs: number;
  private readonly timer: Timer | null;
  private readonly spentMs: Record<BackupPhase, number> = { opening: 0, reading: 0, finishing: 0, committing: 0 };
  private phase: BackupPhase = 'opening';
  private phaseStartMs: number;
  private numbers: () => ProgressNumbers = () => nothingYet;

  constructor(options: RunProgressOptions) {
    this.options = options;
    this.startedMs = options.clock.monotonicMs();
    this.phaseStartMs = this.startedMs;
    this.timer = options.tell === null ? null : options.timers.every(tickMs, () => this.tell());
  }

  /** Where the numbers come from, once there are any. */
  from(numbers: () => ProgressNumbers): void {
    this.numbers = numbers;
  }

  enter(phase: BackupPhase): void {
    const nowMs = this.options.clock.monotonicMs();
    this.spentMs[this.phase] += nowMs - this.phaseStartMs;
    this.phase = phase;
    this.phaseStartMs = nowMs;
    this.tell();
  }

  phasesMs(): Readonly<Record<BackupPhase, number>> {
    this.enter(this.phase);
    return { ...this.spentMs };
  }

  private tell(): void {
    const { tell, clock } = this.options;
    tell?.({ ...this.numbers(), phase: this.phase, elapsedMs: clock.monotonicMs() - this.startedMs });
  }

  [Symbol.dispose](): void {
    this.timer?.cancel();
  }
}

const nothingYet: ProgressNumbers = {
  entriesFound: 0,
  bytesFound: 0,
  foundAll: false,
  entriesDone: 0,
  bytesDone: 0,
  bytesUploaded: 0,
  errors: 0,
  lastRun: null,
};
