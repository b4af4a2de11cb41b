/* Numbers and errors of one run, gathered on the main thread. */
import { errorListMax } from '@twinvault/format';
import type { RecordCounts } from '@twinvault/format';
import { BodyView } from '../entries/entry-body.ts';
import type { Item } from '../scan/segments.ts';
import { entryTypes } from '../source-port.ts';
import type { BlockCounts } from '../state/cache-block.ts';
import type { EntryError } from '../source-port.ts';

export class RunTally {
  readonly errors: EntryError[] = [];
  errorCount = 0;
  unchanged = 0;
  carried = 0;
  removed = 0;
  entriesFound = 0;
  bytesFound = 0;
  /** Of the entries found, those that passed unchanged. */
  unchangedFound = 0;
  bytesUnchangedFound = 0;
  private files = 0;
  private directories = 0;
  private others = 0;
  private filesChanged = 0;
  private bytesProtected = 0;
  private bytesChanged = 0;
  private readonly view: BodyView = new BodyView();

  /** Unchanged entries that the scan has met. */
  passed(entries: number, bytes: number): void {
    this.unchangedFound += entries;
    this.bytesUnchangedFound += bytes;
  }

  /** A block of unchanged entries that was written to the catalog. */
  writtenBlock({ entries, files, directories, others, bytes }: BlockCounts): void {
    this.unchanged += entries;
    this.files += files;
    this.directories += directories;
    this.others += others;
    this.bytesProtected += bytes;
  }

  error(error: EntryError): void {
    this.errorCount += 1;
    if (this.errors.length < errorListMax) this.errors.push(error);
  }

  /** An entry that was written to the catalog, or removed since the last run. */
  written({ body, change }: Item): void {
    if (body === null) {
      this.removed += 1;
      return;
    }
    const { type, sizeBytes } = this.view.over(body);
    if (type === entryTypes.directory) this.directories += 1;
    else if (type !== entryTypes.file) this.others += 1;
    if (change === 'unchanged') this.unchanged += 1;
    if (change === 'carried') this.carried += 1;
    if (type === entryTypes.file) this.file(sizeBytes, change === 'new' || change === 'changed');
  }

  private file(sizeBytes: number, changed: boolean): void {
    this.files += 1;
    this.bytesProtected += sizeBytes;
    if (!changed) return;
    this.filesChanged += 1;
    this.bytesChanged += sizeBytes;
  }

  counts(bytesUploaded: number): RecordCounts {
    return {
      bytesChanged: this.bytesChanged,
      bytesProtected: this.bytesProtected,
      bytesUploaded,
      directories: this.directories,
      errors: this.errorCount,
      files: this.files,
      filesChanged: this.filesChanged,
      others: this.others,
    };
  }
}
