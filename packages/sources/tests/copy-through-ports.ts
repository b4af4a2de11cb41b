/*
 * The smallest engine there is: scans, reads and writes through the ports, so that source and target are tested as the
 * engine will use them, without anything between.
 */
import type {
  ConflictRule,
  EntryDetails,
  EntryError,
  EntryMetadata,
  EntryStat,
  FileSource,
  ScannedEntry,
  SourceReader,
  Target,
  TargetModule,
} from '@twinvault/engine';
import { unpackEntries } from '@twinvault/engine';

export interface CopyResult {
  readonly errors: readonly EntryError[];
  readonly entries: readonly ScannedEntry[];
}

export interface CopyOptions {
  readonly rule?: ConflictRule;
  /** Called before an entry is read. */
  readonly beforeRead?: (entry: ScannedEntry) => void;
  /** Called before an entry is written. */
  readonly beforeWrite?: (entry: ScannedEntry) => void;
}

export function pathOf({ directory, name }: { readonly directory: Uint8Array; readonly name: Uint8Array }): string {
  return Buffer.concat([directory, Buffer.from(directory.length === 0 ? '' : '\0'), name])
    .toString('latin1')
    .replaceAll('\0', '/');
}

export function metadataOf(stat: EntryStat, details: EntryDetails): EntryMetadata {
  const { type, mode, uid, gid, mtimeSeconds, mtimeNanos, deviceMajor, deviceMinor } = stat;
  return { type, mode, uid, gid, mtimeSeconds, mtimeNanos, deviceMajor, deviceMinor, details };
}

/** All events of a scan. */
export async function scanAll(source: FileSource): Promise<{ entries: ScannedEntry[]; errors: EntryError[] }> {
  const entries: ScannedEntry[] = [];
  const errors: EntryError[] = [];
  for await (const batch of source.scan(new AbortController().signal)) {
    for (const event of batch) {
      if (event.type === 'entries') entries.push(...unpackEntries(event));
      else if ('error' in event) errors.push(event.error);
    }
  }
  return { entries, errors };
}

export async function copyThroughPorts(source: FileSource, module: TargetModule, options: CopyOptions = {}): Promise<CopyResult> {
  const { openTarget } = (await import(module.module)) as { readonly openTarget: (config: unknown) => Target };
  return await copyInto(source, openTarget(module.config), options);
}

/** Closes the target. */
export async function copyInto(source: FileSource, target: Target, options: CopyOptions = {}): Promise<CopyResult> {
  const reader = await openReader(source);
  try {
    const { entries, errors } = await scanAll(source);
    const copier = new Copier(reader, target, options, errors);
    for (const entry of entries) copier.copy(entry);
    copier.finish();
    return { errors, entries };
  } finally {
    reader.close();
    target.close();
  }
}

/** As a worker does: by the module's address. */
export async function openReader(source: FileSource): Promise<SourceReader> {
  const { openSourceReader } = (await import(source.reader.module)) as {
    readonly openSourceReader: (config: unknown) => SourceReader;
  };
  return openSourceReader(source.reader.config);
}

class Copier {
  readonly #directories: (readonly [ScannedEntry, EntryMetadata])[] = [];
  readonly #links = new Map<string, ScannedEntry>();
  readonly #buffer = new Uint8Array(1024 * 1024);
  readonly #reader: SourceReader;
  readonly #target: Target;
  readonly #options: CopyOptions;
  readonly #errors: EntryError[];

  constructor(...[reader, target, options, errors]: [SourceReader, Target, CopyOptions, EntryError[]]) {
    this.#reader = reader;
    this.#target = target;
    this.#options = options;
    this.#errors = errors;
  }

  copy(entry: ScannedEntry): void {
    try {
      this.#copy(entry);
    } catch (error) {
      const { code, detail } = error as EntryError;
      if (detail === undefined) throw error;
      this.#errors.push({ path: Buffer.from(pathOf(entry), 'latin1'), code, detail });
    }
  }

  #copy(entry: ScannedEntry): void {
    const { directory, name, stat } = entry;
    const rule = this.#options.rule ?? 'skip';
    const key = `${stat.device}:${stat.inode}`;
    const first = stat.type !== 2 && stat.linkCount > 1 ? this.#links.get(key) : undefined;
    if (first !== undefined) {
      this.#target.makeHardLink(directory, name, first.directory, first.name, rule);
      return;
    }
    this.#options.beforeRead?.(entry);
    using opened = this.#reader.open(directory, name, stat);
    const { details, errors } = opened.details();
    this.#errors.push(...errors);
    const metadata = metadataOf(opened.stat, details);
    this.#options.beforeWrite?.(entry);
    if (stat.type === 2) {
      this.#target.makeDirectory(directory, name, rule);
      this.#directories.push([entry, metadata]);
    } else if (stat.type === 1) {
      const file = this.#target.createFile(directory, name, opened.stat.sizeBytes, rule);
      if (file === null) return;
      for (const { offsetBytes, lengthBytes } of opened.dataRanges()) {
        for (let offset = offsetBytes; offset < offsetBytes + lengthBytes;) {
          const wanted = Math.min(this.#buffer.length, offsetBytes + lengthBytes - offset);
          const count = opened.read(this.#buffer, 0, wanted, offset);
          if (count === 0) break;
          file.write(this.#buffer.subarray(0, count), offset);
          offset += count;
        }
      }
      this.#errors.push(...file.finish(metadata));
    } else this.#errors.push(...this.#target.makeSpecial(directory, name, metadata, rule).errors);
    if (stat.type !== 2 && stat.linkCount > 1) this.#links.set(key, entry);
  }

  finish(): void {
    for (const [{ directory, name }, metadata] of this.#directories.toReversed()) {
      this.#errors.push(...this.#target.finishDirectory(directory, name, metadata));
    }
  }
}
