import { type Files, StdError, type StdErrorCode } from '@twinvault/std';
import { type FaultCounter, faulty, type FaultOptions } from './faulty.ts';

export interface FaultyFilesOptions extends Omit<FaultOptions<Files>, 'error'> {
  /** `file-failed` when omitted. */
  readonly error?: StdErrorCode;
}

/** Files of which one call, or some in a row, fail; see faulty.ts. */
export function faultyFiles(files: Files, options: FaultyFilesOptions): Files & FaultCounter {
  const { error: code = 'file-failed', ...rest } = options;
  return faulty(files, { ...rest, error: () => new StdError(code) });
}
