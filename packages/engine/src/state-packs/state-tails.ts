/*
 * The state packs of this computer among those of the live list, and their chunks opened one by one. A pack of kind state is
 * told by its tail: its header has no KEM ciphertext.
 *
 * Invariant: only what the given refs name is opened, and nothing is given that does not open under the state key.
 */
import { CodedError } from '@twinvault/std';
import { PackTable, packHeaderFixedBytes, packKinds, verifyPackEnds } from '@twinvault/format';
import type { PackHeader, PackName, Refs } from '@twinvault/format';
import type { LivePack, VaultReading } from '@twinvault/protocol';
import { PackKeyring, kindKeys, openChunk } from '@twinvault/seal';
import type { AgentKeys } from '@twinvault/seal';
import { decodeStatePart } from './state-part.ts';
import type { StatePart } from './state-part.ts';

/** Tails of more packs than this are not kept: bases are a few packs, logs at most `stateLogsMax`. */
const tailsMax = 16_384;

export interface StoredStatePart extends StatePart {
  readonly id: Uint8Array;
  readonly storedBytes: number;
}

export class StateTails {
  private readonly tails: { readonly pack: PackName; readonly tail: Uint8Array }[] = [];

  /** Keeps a copy of the tail of a state pack, and nothing of others. */
  see({ pack, tail }: LivePack, table: PackTable): void {
    if (table.headerBytes !== packHeaderFixedBytes || this.tails.length >= tailsMax) return;
    this.tails.push({ pack, tail: tail.slice() });
  }

  get isEmpty(): boolean {
    return this.tails.length === 0;
  }

  /** Parts in no order, those left out that are damaged, gone, of another computer or not named by the refs. */
  async *parts(reading: VaultReading, refs: Refs, agent: AgentKeys): AsyncGenerator<StoredStatePart, void, undefined> {
    const keyring = new PackKeyring({ stateKeyOf: () => agent.stateKey });
    const keys = kindKeys(agent.writeSecret, packKinds.state);
    for (const { pack, tail } of this.tails) {
      const table = new PackTable(tail);
      const rows = Array.from({ length: table.count }, (_, row) => row).filter(
        (row) => !table.slipOnlyAt(row) && refs.has(table.originAt(row) ?? pack, table.positionAt(row)),
      );
      const own = rows.length === 0 ? null : await orNull(() => ownHeader({ reading, pack, tail, agent }));
      if (own === null) continue;
      for (const number of rows) {
        const row = table.row(number);
        const header = table.sections[row.section]?.header ?? own;
        if (header.kind !== packKinds.state) continue;
        const part = await orNull(async () => {
          const blob = await reading.readPack(pack, row.offsetBytes, row.lengthBytes);
          return decodeStatePart(openChunk({ row, header, keyring, blob, keys }));
        });
        if (part !== null) yield { ...part, id: row.id.slice(), storedBytes: row.lengthBytes };
      }
    }
  }
}

interface PackEnds {
  readonly reading: VaultReading;
  readonly pack: PackName;
  readonly tail: Uint8Array;
  readonly agent: AgentKeys;
}

async function ownHeader({ reading, pack, tail, agent }: PackEnds): Promise<PackHeader> {
  const headerBytes = await reading.readPack(pack, 0, packHeaderFixedBytes);
  return verifyPackEnds(pack, { headerBytes, tail }, { safe: agent.safe }).header;
}

/** State is a cache: whatever is wrong with a part of it, the run does without. */
async function orNull<T>(body: () => Promise<T | null>): Promise<T | null> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof CodedError) return null;
    throw error;
  }
}
