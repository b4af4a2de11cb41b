/* One check of a vault: what was asked for, what was found, and how it goes on. */

import type { SafeId } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import { problem } from './problems.ts';
import type { CheckProblem } from './problems.ts';

export interface CheckOptions {
  /** One safe; all when left out. */
  readonly safe?: SafeId;
  /** Reads and hashes every byte of every pack. */
  readonly readData?: boolean;
  /** Moves packs that fail into `damaged/`: they leave the live lists, so that the next backups store their chunks again. */
  readonly setAside?: boolean;
  readonly progress?: (progress: CheckProgress) => void;
  readonly signal?: AbortSignal;
}

export interface CheckProgress {
  /** Hexadecimal. */
  readonly safe: string;
  readonly step: 'objects' | 'packs' | 'records';
  readonly done: number;
  readonly total: number;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface CheckReport {
  readonly problems: readonly CheckProblem[];
  readonly safes: number;
  readonly objects: number;
  readonly packs: number;
  readonly records: number;
  /** Bytes that were read and compared. */
  readonly readBytes: number;
}

const osCodes: ReadonlySet<string> = new Set(['vault-failed', 'vault-denied']);

/** Gathers findings and numbers over all parts of a check. */
export class CheckRun {
  readonly options: CheckOptions;
  readonly problems: CheckProblem[] = [];
  objects: number = 0;
  packs: number = 0;
  records: number = 0;
  readBytes: number = 0;

  constructor(options: CheckOptions) {
    this.options = options;
  }

  found(code: CheckProblem['code'], object: string, detail?: string): void {
    this.problems.push(problem(code, object, detail));
  }

  /** Runs one part; an error of the world becomes the finding, `unreadable` when the operating system is to blame. */
  async object<T>(code: CheckProblem['code'], name: string, body: () => Promise<T>): Promise<T | null> {
    this.options.signal?.throwIfAborted();
    this.objects += 1;
    try {
      return await body();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.found(osCodes.has(error.code) ? 'unreadable' : code, name, error.code);
      return null;
    }
  }

  report(safes: number): CheckReport {
    const { problems, objects, packs, records, readBytes } = this;
    return { problems, safes, objects, packs, records, readBytes };
  }
}
