/** `twinvault seed forget`: a disk with a job's first backup is given up. */
import { headKey } from '@twinvault/engine';
import { toHex } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import type { VerbContext } from '../wiring/context.ts';
import { openKeptSafe } from '../wiring/kept-safe.ts';

export interface SeedForgetOptions {
  readonly safe: string;
  readonly job: string;
  readonly state?: string | undefined;
}

export async function seedForget(context: VerbContext, options: SeedForgetOptions): Promise<void> {
  using kept = await openKeptSafe(context, options);
  const pins = await kept.state.pins();
  const key = headKey(kept.agent, options.job);
  const begun = pins.seed(key);
  if (begun === null) throw new UsageError(`No seed of job "${options.job}" is on its way.`, 'missing');
  pins.forgetSeed(key);
  const disk = toHex(begun.disk);
  context.output.result({ safe: toHex(kept.safe), label: kept.label, job: options.job, disk }, [
    `Seed disk ${disk.slice(0, 8)} is given up: the next run of job "${options.job}" begins anew.`,
  ]);
}
