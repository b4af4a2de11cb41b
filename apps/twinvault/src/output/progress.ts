/**
 * Progress of long work: how much is done, how fast, how long it will take. Redrawn four times a second on a terminal, one plain line every
 * ten seconds elsewhere, one JSON line a second with --json.
 */
import { formatBytes, formatDuration } from '@twinvault/std';
import type { Clock } from '@twinvault/std';
import type { Output } from './output.ts';
import { formatCount } from './table.ts';

export interface Step {
  /** What is being done, as people say it: "Reading", "Checking packs". */
  readonly phase: string;
  readonly done: number;
  /** Null while nobody knows. */
  readonly total: number | null;
  readonly unit: 'bytes' | 'files' | 'objects';
  /** More counts, for example files beside bytes. */
  readonly files?: number;
  readonly uploadedBytes?: number;
}

const periodMs = { interactive: 250, json: 1000, plain: 10_000 };
/** The rate is that of about the last ten seconds. */
const rateHalfLifeMs = 5000;

export class ProgressReporter {
  readonly #output: Output;
  readonly #clock: Clock;
  readonly #period: number;
  #phase = '';
  #lastShownMs = Number.NEGATIVE_INFINITY;
  #lastDone = 0;
  #lastMs = 0;
  #rate = 0;

  constructor(output: Output, clock: Clock) {
    this.#output = output;
    this.#clock = clock;
    this.#period = output.json ? periodMs.json : output.interactive ? periodMs.interactive : periodMs.plain;
  }

  /** Call it as often as you like. */
  report(step: Step): void {
    const nowMs = this.#clock.monotonicMs();
    if (step.phase !== this.#phase) this.#begin(step, nowMs);
    if (nowMs - this.#lastShownMs < this.#period) return;
    this.#measure(step, nowMs);
    this.#lastShownMs = nowMs;
    const leftMs = step.total === null || this.#rate <= 0 ? null : ((step.total - step.done) / this.#rate) * 1000;
    this.#output.progress(
      {
        phase: step.phase,
        done: step.done,
        total: step.total,
        unit: step.unit,
        ratePerSecond: Math.round(this.#rate),
        secondsLeft: leftMs === null ? null : Math.round(leftMs / 1000),
        ...(step.files === undefined ? {} : { files: step.files }),
        ...(step.uploadedBytes === undefined ? {} : { uploadedBytes: step.uploadedBytes }),
      },
      progressLine(step, this.#rate, leftMs),
    );
  }

  finish(): void {
    this.#output.clearProgress();
  }

  #begin(step: Step, nowMs: number): void {
    this.#phase = step.phase;
    this.#rate = 0;
    this.#lastDone = step.done;
    this.#lastMs = nowMs;
    // A phase that is over at once needs no line; on a plain stream the first line comes after a full period.
    this.#lastShownMs = this.#output.interactive ? Number.NEGATIVE_INFINITY : nowMs;
  }

  #measure(step: Step, nowMs: number): void {
    const elapsedMs = nowMs - this.#lastMs;
    if (elapsedMs <= 0) return;
    const current = ((step.done - this.#lastDone) / elapsedMs) * 1000;
    const weight = this.#rate === 0 ? 1 : 1 - 2 ** (-elapsedMs / rateHalfLifeMs);
    this.#rate += (current - this.#rate) * weight;
    this.#lastDone = step.done;
    this.#lastMs = nowMs;
  }
}

function amount(value: number, unit: Step['unit']): string {
  return unit === 'bytes' ? formatBytes(value) : formatCount(value);
}

function progressLine(step: Step, rate: number, leftMs: number | null): string {
  const parts = [step.phase.padEnd(12)];
  if (step.total !== null && step.total > 0) {
    const percent = Math.min(100, Math.floor((100 * step.done) / step.total));
    parts.push(`${String(percent).padStart(3)} %`, `${amount(step.done, step.unit)} of ${amount(step.total, step.unit)}`);
  } else parts.push(amount(step.done, step.unit) + (step.unit === 'bytes' ? '' : ` ${step.unit}`));
  if (rate > 0) parts.push(`${amount(Math.round(rate), step.unit)}/s`);
  if (step.files !== undefined) parts.push(`${formatCount(step.files)} files`);
  if (step.uploadedBytes !== undefined) parts.push(`${formatBytes(step.uploadedBytes)} sent`);
  if (leftMs !== null && leftMs >= 1000) parts.push(`${formatDuration(leftMs)} left`);
  return parts.join('  ');
}
