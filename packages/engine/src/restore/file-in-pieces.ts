/*
 * A file that is too large for one task: begun and finished in the main thread, written piece by piece in any of the restoring threads.
 *
 * Invariant: it is finished or abandoned only when no thread has a piece of it any more, since its handle may then mean another file.
 */
import { assert } from '@twinvault/std';
import type { TargetFile } from '../target-port.ts';
import { placingRule } from './conflicts.ts';
import { finishFile, refused } from './finish-file.ts';
import type { FileToFinish, FinishingPlace } from './finish-file.ts';
import type { PieceOutcome } from './tasks.ts';

export class FileInPieces {
  readonly about: FileToFinish;
  readonly #place: FinishingPlace;
  /** Null: not begun, or ended. */
  #file: TargetFile | null = null;
  #piecesLeft = 0;
  #isWhole = false;
  /** How it ended, or will end when its last piece is answered. */
  #outcome: PieceOutcome | null = null;

  /** Begins the file. */
  constructor(about: FileToFinish, place: FinishingPlace) {
    this.about = about;
    this.#place = place;
    const { file, directory, name, sizeBytes } = about;
    try {
      this.#file = place.target.createFile(directory, name, sizeBytes, placingRule(place.conflict));
      if (this.#file === null) this.#outcome = { type: 'skipped', file };
    } catch (error) {
      this.#outcome = refused(file, error);
    }
  }

  /** For threads that write pieces of it. */
  get handle(): number {
    assert(this.#file !== null, 'pieces belong to a file that was begun');
    return this.#file.handle;
  }

  /** Skipped or failed: the rest of it need not be fetched. */
  get isLost(): boolean {
    return this.#outcome !== null;
  }

  /** Null: it has not ended. */
  get ended(): PieceOutcome | null {
    return this.#file === null ? this.#outcome : null;
  }

  /** A piece is handed out; each is answered. */
  handedOut(): void {
    this.#piecesLeft += 1;
  }

  /** `failure`: null when the piece was written. */
  answered(failure: PieceOutcome | null): void {
    this.#piecesLeft -= 1;
    this.#outcome ??= failure;
    this.#endIfDone();
  }

  /** All its pieces are handed out. */
  whole(): void {
    this.#isWhole = true;
    this.#endIfDone();
  }

  /** Only when no thread works any more. */
  abandon(): void {
    this.#file?.abandon();
    this.#file = null;
  }

  #endIfDone(): void {
    const file = this.#file;
    if (file === null || !this.#isWhole || this.#piecesLeft > 0) return;
    if (this.#outcome === null) {
      try {
        this.#outcome = finishFile(file, this.about, this.#place);
      } catch (error) {
        this.#outcome = refused(this.about.file, error);
      }
      this.#file = null;
    } else this.abandon();
  }
}
