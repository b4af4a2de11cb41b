/*
 * The safe that this computer writes into today: the one that it was enrolled in, or that which took its place (docs/format/keys.md,
 * "Succession"). A computer follows without a password: the root that it has pinned signed the successor, and the successor's ledger holds
 * keys that were sealed for it.
 *
 * Invariants: a safe is left for one other safe only, and never for an older state of it: what is left behind is a note in the place of the
 * keys. The keys of the new safe are durable before those of the old one go.
 */
import type { Ledger, SafeId } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { Vault, VaultSafe } from '@twinvault/protocol';
import { demandSuccessor, keysOfAdmission, replayPinned, succeeds } from '@twinvault/seal';
import type { AgentKeys, PinnedSafe } from '@twinvault/seal';
import { toHex } from '@twinvault/std';
import { EngineError } from '../errors.ts';
import type { AgentState, SafeState } from '../state/agent-state.ts';

export interface CurrentSafe {
  readonly safe: VaultSafe;
  readonly agent: AgentKeys;
  /** Whether this computer came to it just now. */
  readonly joined: boolean;
}

export interface CurrentSafeOptions {
  readonly vault: Pick<Vault, 'openSafe'>;
  /** The safe that was asked for. */
  readonly safe: VaultSafe;
  readonly state: AgentState;
}

/** Safes that took each other's place, one after the other. */
export const successionsMax = 64;

/**
 * `agent-missing` when this computer is neither enrolled nor admitted by the safe; `not-admitted`, `successor-missing`,
 * `succession-unfinished`; SealError
 * `successor-mismatch`, `admission-invalid`, `ledger-rolled-back`, `root-mismatch`; FormatError for a ledger that is damaged or forged.
 */
export async function currentSafe({ vault, safe, state }: CurrentSafeOptions): Promise<CurrentSafe> {
  let [current, joined] = [safe, false];
  for (let step = 0; step < successionsMax; step += 1) {
    using own = state.safe(current.safe);
    const passed = await own.passedOn();
    if (passed !== null) {
      // A crash may have come between the note and the end of the keys.
      if ((await own.agentKeys()) !== null) await own.passOn(passed);
      current = await openSuccessor(vault, passed.next);
      continue;
    }
    const kept = await own.agentKeys();
    const agent = kept ?? (await join({ vault, safe: current, state }));
    joined ||= kept === null;
    const pinned = { rootKey: agent.rootKey, ledgerHead: await own.ledgerHead(agent) };
    const ledger = await replay(current, pinned);
    if (ledger.successor() === null) return { safe: current, agent, joined };
    const next = await follow({ vault, state }, { own, agent, ledger });
    joined ||= next.joined;
    current = next.safe;
  }
  throw new EngineError('successor-missing', { context: { safe: toHex(current.safe) } });
}

interface Places {
  readonly vault: Pick<Vault, 'openSafe'>;
  readonly state: AgentState;
}

interface SafeLeft {
  readonly own: SafeState;
  readonly agent: AgentKeys;
  /** Names a successor. */
  readonly ledger: Ledger;
}

/** To the safe that the ledger names. */
async function follow({ vault, state }: Places, { own, agent, ledger }: SafeLeft): Promise<{ safe: VaultSafe; joined: boolean }> {
  const named = ledger.successor();
  if (named === null) throw new EngineError('successor-missing');
  // Seen is seen: whoever hides the entry from now on is found out, also when the rest fails.
  (await own.pins()).pinLedgerHead(ledger.head);
  const next = await openSuccessor(vault, named.safe);
  const nextLedger = await replay(next);
  demandSuccessor(ledger, nextLedger);
  const joined = await admit({ state, ledger: nextLedger, before: agent, from: own });
  await own.passOn({ next: named.safe, rootKey: agent.rootKey, ledgerHead: ledger.head });
  return { safe: next, joined };
}

/** This computer's keys for a safe in which it has none yet, from those of a safe that this one takes the place of. */
async function join({ vault, safe, state }: CurrentSafeOptions): Promise<AgentKeys> {
  const ledger = await replay(safe);
  for (const id of await state.safes()) {
    using from = state.safe(id);
    const before = await from.agentKeys();
    if (before === null || (await from.passedOn()) !== null || !succeeds(ledger, before)) continue;
    const left = await ledgerLeft(vault, { id, from, before });
    // Where the safe before is at hand, it has to name this one; it does so when all of it is copied.
    if (left !== null && left.successor() === null) throw new EngineError('succession-unfinished');
    if (left !== null) demandSuccessor(left, ledger);
    await admit({ state, ledger, before, from });
    const ledgerHead = left?.head ?? (await from.ledgerHead(before));
    await from.passOn({ next: safe.safe, rootKey: before.rootKey, ledgerHead });
    using own = state.safe(safe.safe);
    return await own.requireAgentKeys();
  }
  throw new EngineError('agent-missing');
}

async function ledgerLeft(
  vault: Places['vault'],
  { id, from, before }: { readonly id: SafeId; readonly from: SafeState; readonly before: AgentKeys },
): Promise<Ledger | null> {
  const safe = await openIfThere(vault, id);
  return safe === null ? null : await replay(safe, { rootKey: before.rootKey, ledgerHead: await from.ledgerHead(before) });
}

interface Admission {
  readonly state: AgentState;
  /** Of the safe that follows. */
  readonly ledger: Ledger;
  readonly before: AgentKeys;
  readonly from: SafeState;
}

/** False when this computer has keys of that safe already. What was chosen for it goes along. */
async function admit({ state, ledger, before, from }: Admission): Promise<boolean> {
  using next = state.safe(ledger.descriptor.safe);
  if ((await next.agentKeys()) !== null || (await next.passedOn()) !== null) return false;
  const keys = keysOfAdmission(ledger, before);
  if (keys === null) throw new EngineError('not-admitted', { context: { safe: toHex(ledger.descriptor.safe) } });
  await next.saveSettings(await from.settings());
  await next.saveAgentKeys(keys);
  return true;
}

async function replay(safe: VaultSafe, pinned?: PinnedSafe): Promise<Ledger> {
  return replayPinned({ descriptor: await safe.descriptor(), ledger: await safe.ledger(1) }, pinned);
}

async function openSuccessor(vault: Places['vault'], safe: SafeId): Promise<VaultSafe> {
  const found = await openIfThere(vault, safe);
  if (found === null) throw new EngineError('successor-missing', { context: { safe: toHex(safe) } });
  return found;
}

async function openIfThere(vault: Places['vault'], safe: SafeId): Promise<VaultSafe | null> {
  try {
    return await vault.openSafe(safe);
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'safe-unknown') return null;
    throw error;
  }
}
