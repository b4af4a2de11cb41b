/*
 * Reading ranges of packs under a read lease: nothing that stands when it is taken is deleted while it lives. Where nothing can be
 * written (a vault on a read-only mount, or another user's) one reads without a lease; the delay of clean-up is the protection then.
 * Where the generation is damaged no lease can be taken, but no clean-up runs either.
 */

import type { PackName } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { VaultReading } from '@twinvault/protocol';
import { toHex } from '@twinvault/std';
import type { OpenFile } from '@twinvault/std';
import { generationHex } from '../context.ts';
import type { SafeContext } from '../context.ts';
import { leaseLapseMs } from '../leases/leases.ts';
import type { Lease } from '../leases/leases.ts';
import { randomLeaseName } from '../leases/locks.ts';
import { Holders } from '../packs/holders.ts';
import { OpenFiles } from '../store/open-files.ts';
import { asProtocol } from '../store/vault-files.ts';
import type { ReadingState } from '../sessions/carried.ts';

const openFilesMax = 32;
const leaseless: ReadonlySet<string> = new Set(['vault-read-only', 'vault-denied', 'vault-full']);

/** `carried`: no process holds its lease; it is renewed by `renew` alone, and whoever has its state carries it on. */
export async function openReading(context: SafeContext, { carried = false }: { carried?: boolean } = {}): Promise<SiteReading> {
  const generation = await generationOrNull(context);
  const lease = generation === null ? null : await readLease(context, { generation, carried });
  if (carried) lease?.detach();
  return new SiteReading(context, lease, generation ?? '');
}

/** Carries a reading on that was opened here or at another node, and renews it. `lease-lost` when it is over. */
export async function resumeReading(context: SafeContext, { lease: handle, generation }: ReadingState): Promise<SiteReading> {
  if (handle === null) return new SiteReading(context, null, generation);
  const lease = (await generationOrNull(context)) === generation ? await context.leases.resume(handle) : null;
  if (lease === null) throw new ProtocolError('lease-lost', { context: { defect: 'lapsed' } });
  lease.detach();
  return new SiteReading(context, lease, generation);
}

interface LeaseWish {
  readonly generation: string;
  readonly carried: boolean;
}

async function readLease(context: SafeContext, wish: LeaseWish): Promise<Lease | null> {
  const { layout, leases, ports } = context;
  const name = layout.inFolder('leases', randomLeaseName('read', ports.random));
  try {
    const answer = await leases.take({ ...wish, name, lapseMs: leaseLapseMs });
    return answer.type === 'taken' ? answer.lease : null;
  } catch (error) {
    if (error instanceof ProtocolError && leaseless.has(error.code)) return null;
    throw error;
  }
}

async function generationOrNull(context: SafeContext): Promise<string | null> {
  try {
    return await generationHex(context);
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

export class SiteReading implements VaultReading {
  readonly #context: SafeContext;
  readonly #generation: string;
  readonly #lease: Lease | null;
  readonly #files: OpenFiles;
  readonly #holders: Holders;
  #closed = false;

  constructor(context: SafeContext, lease: Lease | null, generation: string) {
    const { store, layout } = context;
    this.#context = context;
    this.#generation = generation;
    this.#lease = lease;
    this.#holders = new Holders(context);
    this.#files = new OpenFiles({
      countMax: openFilesMax,
      // A pack that a check kept aside may still have what is asked for.
      open: async (hex) => (await store.open(layout.pack(hex))) ?? store.open(layout.inFolder('damaged', hex)),
    });
  }

  get state(): ReadingState {
    return { lease: this.#lease?.handle ?? null, generation: this.#generation };
  }

  /** `lease-lost` when the reading is over. */
  renew(): Promise<void> {
    return asProtocol(async () => {
      this.#demandOpen();
      await this.#lease?.check();
    });
  }

  /** Ends the reading for every process, detached or not; idempotent. */
  async end(): Promise<void> {
    await this[Symbol.asyncDispose]();
    if (this.#lease !== null) await (await this.#context.leases.resume(this.#lease.handle))?.[Symbol.asyncDispose]();
  }

  readPack(pack: PackName, offsetBytes: number, lengthBytes: number): Promise<Uint8Array> {
    const hex = toHex(pack);
    return this.#use(hex, (file) => {
      if (file === null) throw new ProtocolError('pack-unknown', { context: { pack: hex } });
      const { sizeBytes } = file;
      if (offsetBytes + lengthBytes > sizeBytes) {
        throw new ProtocolError('pack-short', { context: { pack: hex, offsetBytes, lengthBytes, sizeBytes } });
      }
      return file.read(offsetBytes, lengthBytes);
    });
  }

  packSize(pack: PackName): Promise<number | null> {
    return this.#use(toHex(pack), (file) => file?.sizeBytes ?? null);
  }

  holdersOf(origins: readonly PackName[]): Promise<readonly (readonly PackName[])[]> {
    this.#demandOpen();
    return asProtocol(() => this.#holders.of(origins));
  }

  #demandOpen(): void {
    if (this.#closed) throw new ProtocolError('lease-lost', { context: { defect: 'reading is closed' } });
  }

  #use<T>(hex: string, body: (file: OpenFile | null) => T | Promise<T>): Promise<T> {
    this.#demandOpen();
    return asProtocol(() => this.#files.use(hex, body));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#files[Symbol.asyncDispose]();
    await this.#lease?.[Symbol.asyncDispose]();
  }
}
