/*
 * The time of the file system: what a file that is touched now gets as its modification time. All that is compared between
 * machines (leases, quarantine, age of temporary files) is measured in it, so that the clocks of machines do not matter.
 */

import { ProtocolError } from '@twinvault/protocol';
import type { Files, Random } from '@twinvault/std';
import { temporaryName } from '../store/temporary-name.ts';

export class FileTime {
  readonly #files: Files;
  readonly #probe: string;

  /** `folder`: an absolute directory of the vault that is there. */
  constructor(files: Files, random: Random, folder: string) {
    this.#files = files;
    this.#probe = `${folder}/${temporaryName(random)}`;
  }

  /** Whole ms since 1970. `vault-read-only`, `vault-denied` where nothing can be written. */
  async nowMs(): Promise<number> {
    if (!(await this.#files.touch(this.#probe))) await this.#files.create(this.#probe, []);
    const stat = await this.#files.stat(this.#probe);
    // Somebody swept the directory between the two steps: not ours to judge by.
    if (stat === null) throw new ProtocolError('vault-failed', { context: { defect: 'probe of the time vanished' } });
    return Math.floor(stat.modifiedMs);
  }

  /** Removes the file of its own; the next reading makes it again. */
  async close(): Promise<void> {
    await this.#files.remove(this.#probe);
  }
}
