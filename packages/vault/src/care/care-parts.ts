/* What looks after a site works with. */

import { safeId } from '@twinvault/format';
import type { SafeId } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { TwinSource } from '@twinvault/protocol';
import { fromHex, toHex } from '@twinvault/std';
import type { Clock, Random, Timers } from '@twinvault/std';
import type { SafeContext } from '../context.ts';
import type { Inventory } from '../database/inventory.ts';
import type { Metering } from '../database/metering.ts';
import type { SiteDatabase } from '../database/site-database.ts';
import type { WorkQueue } from '../database/work-queue.ts';
import type { KeepRules } from '../retention/facts.ts';
import type { SafeParts } from '../site-safe.ts';
import type { SiteVault } from '../site-vault.ts';

export interface CareParts {
  readonly vault: SiteVault;
  readonly database: SiteDatabase;
  readonly queue: WorkQueue;
  readonly inventory: Inventory;
  readonly metering: Metering;
  readonly ports: { readonly clock: Clock; readonly timers: Timers; readonly random: Random };
  readonly policy: CarePolicy;
  /** This node; left out where nobody is told of its end. */
  readonly node?: CaringNode;
  /** Ways to the twins, to be heard when something is healed; none when left out. */
  readonly twinOpeners?: readonly TwinOpener[];
}

/** This node, and what it knows of others. */
export interface CaringNode {
  readonly name: string;
  /** Whether a node of this name is gone for certain. */
  readonly isGone: (node: string) => boolean;
}

/** Opens a twin with what network and token make possible now; the caller disposes of it. */
export type TwinOpener = (signal: AbortSignal) => Promise<TwinSource>;

export interface CarePolicy {
  /** Rules of the nightly clean-up for types that have none in their ledger. */
  readonly keep: KeepRules;
  /** How often the twins are asked; `followEveryMsDefault` when left out. */
  readonly followEveryMs?: number;
  /** Bytes per second that scrubbing reads at most, unless more is needed to keep its promise. */
  readonly scrubBytesPerSecondMax?: number;
}

export interface CaredSafe {
  readonly hex: string;
  readonly context: SafeContext;
  readonly parts: SafeParts;
}

/** Of a safe, hexadecimal. */
export async function customerOf({ vault }: Pick<CareParts, 'vault'>, safe: string): Promise<string> {
  return vault.customerOf(safeOf(safe));
}

function safeOf(hex: string): SafeId {
  return safeId(fromHex(hex) ?? new Uint8Array(16));
}

/** Null when there is no such safe. */
export async function careSafe({ vault }: CareParts, safe: string | SafeId): Promise<CaredSafe | null> {
  try {
    const parts = await vault.partsOf(typeof safe === 'string' ? safeOf(safe) : safe);
    return { hex: toHex(parts.context.safe), context: parts.context, parts };
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'safe-unknown') return null;
    throw error;
  }
}
