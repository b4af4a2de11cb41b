/*
 * Writes the catalog as entries come in key order: nodes go into packs of kind catalog, every chunk that the catalog uses is
 * marked in the shared table, and the refs follow from the marks when it is finished.
 *
 * Catalog packs are held until the data packs that they name are at the vault (docs/format/README.md, "Order of writing").
 */
import { CatalogWriter } from '@twinvault/seal';
import type { CatalogEntry, KnownLeaf, SealingSession, WrittenLeaf } from '@twinvault/seal';
import { RefsBuilder } from '@twinvault/format';
import type { ChunkId } from '@twinvault/format';
import { assert } from '@twinvault/std';
import type { ChunkTable } from '../dedup/chunk-table.ts';
import type { ForeignChunks } from '../dedup/foreign-chunks.ts';
import { PackSink } from '../upload/pack-sink.ts';
import type { ClosedPack, PackSinkOptions } from '../upload/pack-sink.ts';
import type { Uploader } from '../upload/uploader.ts';

const heldPacksMax = 2;

export interface CatalogOutputOptions {
  readonly sink: Omit<PackSinkOptions, 'deliver' | 'table'>;
  readonly table: ChunkTable;
  readonly uploader: Uploader;
  /** Closes the workers' open packs and waits until all data is at the vault. */
  readonly flushData: () => Promise<void>;
}

export interface FinishedCatalog {
  readonly root: ChunkId;
  readonly level: number;
  readonly refs: RefsBuilder;
}

export class CatalogOutput {
  private readonly options: CatalogOutputOptions;
  private readonly sink: PackSink;
  private readonly writer: CatalogWriter;
  private held: ClosedPack[] = [];
  private leaves: WrittenLeaf[] = [];

  constructor(options: CatalogOutputOptions) {
    this.options = options;
    const { table } = options;
    this.sink = new PackSink({
      ...options.sink,
      table,
      deliver: async (pack) => {
        this.held.push(pack);
        await Promise.resolve();
      },
    });
    this.writer = new CatalogWriter({
      cutterKey: this.sink.keys.cutterKey,
      sink: { put: (plaintext) => this.putNode(plaintext) },
      onLeaf: (leaf) => this.leaves.push(leaf),
    });
  }

  private putNode(plaintext: Uint8Array): ChunkId {
    const { id } = this.sink.put(plaintext);
    this.options.table.mark(id);
    return id;
  }

  /** A leaf of the last catalog; its chunks are marked. False: its entries are to be added one by one. */
  addLeaf(leaf: KnownLeaf): boolean {
    if (!this.writer.addLeaf(leaf)) return false;
    assert(this.options.table.mark(leaf.id), 'a leaf is at the vault before it is taken over');
    return true;
  }

  /** Leaves that ended since the last call. */
  takeLeaves(): readonly WrittenLeaf[] {
    const { leaves } = this;
    if (leaves.length > 0) this.leaves = [];
    return leaves;
  }

  /** Strictly ascending keys. */
  add(entry: CatalogEntry): void {
    for (const { chunk } of entry.extents) {
      if (chunk !== null) assert(this.options.table.mark(chunk), 'a chunk is stored before the catalog names it');
    }
    this.writer.add(entry);
  }

  renew(session: SealingSession): void {
    this.sink.renew(session);
  }

  /** Nodes may use blobs of other computers from now on. */
  reuseFrom(others: ForeignChunks | null): void {
    this.sink.reuseFrom(others);
  }

  get memoryFaults(): number {
    return this.sink.memoryFaults;
  }

  /** Between entries: hands over full packs. */
  async breathe(): Promise<void> {
    if (this.sink.full) await this.sink.close();
    if (this.held.length >= heldPacksMax) await this.sendHeld();
  }

  private async sendHeld(): Promise<void> {
    if (this.held.length === 0) return;
    await this.options.flushData();
    const packs = this.held;
    this.held = [];
    await Promise.all(
      packs.map(async (pack) => {
        await this.options.uploader.put(pack);
        this.sink.reuse(pack.bytes);
      }),
    );
  }

  /** Everything is at the vault when it resolves. */
  async finish(): Promise<FinishedCatalog> {
    const { table, uploader, flushData } = this.options;
    const { root, level } = this.writer.finish();
    await this.sink.close();
    await flushData();
    await this.sendHeld();
    const refs = new RefsBuilder();
    for (const place of table.marked()) uploader.addRefs(refs, place);
    return { root, level, refs };
  }
}
