/** What every verb gets: ports, output, and the signal that Ctrl-C aborts. */
import type { Platform } from '@twinvault/std';
import type { Output } from '../output/output.ts';
import type { ProgressReporter } from '../output/progress.ts';

export interface VerbContext {
  readonly platform: Platform;
  readonly output: Output;
  readonly progress: ProgressReporter;
  readonly signal: AbortSignal;
  /** The exit code of a verb that ends without an error; ok when it is never called. */
  setExit(name: 'ok' | 'withErrors' | 'damaged' | 'missing' | 'trust' | 'unreachable' | 'interrupted'): void;
}
