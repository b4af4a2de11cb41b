/** The safe that this computer writes into, which may have taken the place of the one that was asked for. */
import { currentSafe } from '@twinvault/engine';
import type { SafeState } from '@twinvault/engine';
import { rootKeyShortForm } from '@twinvault/format';
import type { SafeId } from '@twinvault/format';
import type { Vault } from '@twinvault/protocol';
import type { AgentKeys } from '@twinvault/seal';
import { equalBytes } from '@twinvault/std';
import type { VerbContext } from './context.ts';
import { openState } from './open-safe.ts';
import { openNamedSafe } from './open-vault.ts';
import type { FoundSafe } from './open-vault.ts';

export interface OwnSafe extends FoundSafe {
  readonly agent: AgentKeys;
}

/** Follows to a successor, and says so; `agent-missing`, `not-admitted` and what else `currentSafe` throws. */
export async function openOwnSafe(
  context: VerbContext,
  vault: Vault,
  options: { readonly safe: string; readonly state?: string | undefined },
): Promise<OwnSafe> {
  const found = await openNamedSafe(vault, options.safe);
  const { safe, agent, joined } = await currentSafe({ vault, safe: found.safe, state: openState(context, options.state) });
  const moved = !equalBytes(safe.safe, found.safe.safe);
  const label = moved ? await labelOf(vault, safe.safe) : found.label;
  if (moved) {
    context.output.note(
      `Safe "${found.label}" was given new keys: "${label}" took its place, and this computer goes on there. Name that one from now on: --safe ${label}.`,
    );
  }
  if (joined) {
    context.output.note(
      `The key that this computer knew has signed safe "${label}", whose root key is ${rootKeyShortForm(agent.rootKey)}: it should be the one on the new recovery kit.`,
    );
  }
  return { safe, agent, label };
}

/** Local state of a safe, or of the one for which this computer left it. */
export async function stateOfToday(context: VerbContext, option: string | undefined, safe: SafeId): Promise<SafeState> {
  const state = openState(context, option);
  let today = state.safe(safe);
  for (let passed = await today.passedOn(); passed !== null; passed = await today.passedOn()) {
    today[Symbol.dispose]();
    today = state.safe(passed.next);
  }
  return today;
}

async function labelOf(vault: Vault, safe: Uint8Array): Promise<string> {
  return (await vault.safes()).find((known) => equalBytes(known.safe, safe))?.label ?? '';
}
