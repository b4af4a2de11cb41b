/** A safe as this computer saw it last: for what is done without a vault at hand. */
import type { KeptLedger, SafeState } from '@twinvault/engine';
import { FormatError, parseSafeDescriptor } from '@twinvault/format';
import type { SafeId } from '@twinvault/format';
import { replayPinned } from '@twinvault/seal';
import type { AgentKeys } from '@twinvault/seal';
import { CodedError, toHex } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import type { VerbContext } from './context.ts';
import { openState } from './open-safe.ts';

export interface KeptSafe extends Disposable {
  readonly safe: SafeId;
  readonly label: string;
  readonly agent: AgentKeys;
  readonly ledger: KeptLedger;
  readonly state: SafeState;
}

/** The safe with this label or id that this computer is enrolled in. What was kept of it fits what was pinned. */
export async function openKeptSafe(
  context: VerbContext,
  { safe: name, state: stateOption }: { readonly safe: string; readonly state?: string | undefined },
): Promise<KeptSafe> {
  const all = openState(context, stateOption);
  const known: string[] = [];
  for (const id of await all.safes()) {
    const state = all.safe(id);
    const ledger = await state.keptLedger();
    const label = ledger === null ? null : labelOf(ledger);
    if (label === name || toHex(id) === name.toLowerCase()) {
      if (ledger === null || label === null) throw new UsageError(notSeen(name));
      const agent = await state.requireAgentKeys();
      await demandCurrent({ state, agent, ledger }, name);
      return { safe: id, label, agent, ledger, state, [Symbol.dispose]: () => state[Symbol.dispose]() };
    }
    known.push(`"${label ?? toHex(id)}"`);
    state[Symbol.dispose]();
  }
  const others = known.length === 0 ? 'It is enrolled in none: twinvault safe enrol.' : `It knows ${known.join(', ')}.`;
  throw new UsageError(`This computer is not enrolled in a safe "${name}". ${others}`, 'missing');
}

function labelOf({ descriptor }: KeptLedger): string | null {
  try {
    return parseSafeDescriptor(descriptor).label;
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}

/** A copy that was lost or is older than what was seen since is made anew by any verb that reads the safe. */
async function demandCurrent(
  { state, agent, ledger }: Pick<KeptSafe, 'state' | 'agent' | 'ledger'>,
  name: string,
): Promise<void> {
  try {
    replayPinned(ledger, { rootKey: agent.rootKey, ledgerHead: await state.ledgerHead(agent) });
  } catch (error) {
    if (error instanceof CodedError) throw new UsageError(notSeen(name));
    throw error;
  }
}

function notSeen(name: string): string {
  return `What this computer keeps of safe "${name}" is missing or outdated. With the vault at hand, run twinvault safesets once: then this works without it.`;
}
