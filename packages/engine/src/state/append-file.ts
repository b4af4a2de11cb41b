/*
 * A local file that is written by appending, in order, without anybody waiting for it. A failure is kept and ends the
 * writing, nothing else: what is written this way can be made again or done without.
 */
import type { Files, OpenFile } from '@twinvault/std';

const copyBytes = 4 * 1024 * 1024;

export class AppendFile {
  /** Why nothing more is written; null while all is well. */
  failure: unknown = null;
  private readonly files: Files;
  private readonly path: string;
  private last: Promise<void>;

  /** What stands at the path is removed first. */
  constructor(files: Files, path: string) {
    this.files = files;
    this.path = path;
    this.last = this.guarded(async () => await files.remove(path));
  }

  append(bytes: Uint8Array): void {
    const { last } = this;
    this.last = this.guarded(async () => {
      await last;
      if (this.failure === null) await this.files.append(this.path, bytes);
    });
  }

  /** The first `count` bytes of a file, which stays open until `drain`: read when their turn comes, a piece at a time. */
  copy(from: OpenFile, count: number): void {
    const { last } = this;
    this.last = this.guarded(async () => {
      await last;
      for (let at = 0; at < count && this.failure === null; at += copyBytes) {
        await this.files.append(this.path, await from.read(at, Math.min(copyBytes, count - at)));
      }
    });
  }

  /** Gives the whole file its name; false when it could not be written or named. */
  async publish(name: string): Promise<boolean> {
    await this.drain();
    if (this.failure === null) await this.guarded(async () => await this.files.rename(this.path, name));
    if (this.failure !== null) await this.remove();
    return this.failure === null;
  }

  /** Something else that belongs to what is written; false when it failed. Never throws. */
  async attempt(step: () => Promise<unknown>): Promise<boolean> {
    await this.guarded(step);
    return this.failure === null;
  }

  /** Waits until what was handed over is written, or given up. Never throws. */
  async drain(): Promise<void> {
    await this.last;
  }

  /** Never throws. */
  async remove(): Promise<void> {
    await this.last;
    await this.guarded(async () => await this.files.remove(this.path));
  }

  private async guarded(step: () => Promise<unknown>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.failure ??= error;
    }
  }
}
