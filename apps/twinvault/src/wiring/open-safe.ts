/** Opening a safe with its password or kit, held to what this computer has seen of it before. */
import { openAgentState } from '@twinvault/engine';
import type { AgentState, SafeState } from '@twinvault/engine';
import type { Ledger, SafeId } from '@twinvault/format';
import type { VaultSafe } from '@twinvault/protocol';
import { escrowShortForm, escrowsOf, openSafe, parseEscrowPrivateText, parseKitText, replayPinned } from '@twinvault/seal';
import type { OpenedSafe, SlotSecret } from '@twinvault/seal';
import type { VerbContext } from './context.ts';
import type { Secret, SecretOptions } from './passwords.ts';
import { readSecret } from './passwords.ts';
import { stateDirectory } from './state-directory.ts';

export interface OpenSafeOptions extends SecretOptions {
  readonly state?: string | undefined;
}

export function openState(context: VerbContext, state: string | undefined): AgentState {
  return openAgentState({ path: stateDirectory(state), platform: context.platform });
}

export function safeState(context: VerbContext, state: string | undefined, safe: SafeId): SafeState {
  return openState(context, state).safe(safe);
}

/**
 * The safe's ledger without any secret. Where this computer is enrolled it must extend what was seen of it before: `root-mismatch`,
 * `ledger-rolled-back`.
 */
export async function seenLedger(context: VerbContext, safe: VaultSafe, stateOption: string | undefined): Promise<Ledger> {
  const [descriptor, ledger, slots] = await Promise.all([safe.descriptor(), safe.ledger(1), safe.slots()]);
  using state = safeState(context, stateOption, safe.safe);
  const pinned = await state.pinned();
  const replayed = replayPinned({ descriptor, ledger }, pinned ?? undefined);
  if (pinned !== null) await state.sawLedger({ descriptor, ledger }, replayed.head);
  tellEscrow(context, replayed, slots);
  return replayed;
}

/** Whoever uses a safe is told who else can open it. */
function tellEscrow({ output }: VerbContext, ledger: Ledger, slots: readonly Uint8Array[]): void {
  for (const escrow of escrowsOf(ledger, slots)) {
    output.note(`This safe can also be opened with the escrow key of "${escrow.name}" (${escrowShortForm(escrow)}).`);
  }
}

/**
 * Asks for the secret if need be. Where this computer is enrolled, the root key and the ledger head that it has seen must fit; the head is
 * pinned anew afterwards.
 */
export async function openWithSecret(
  context: VerbContext,
  found: { readonly label: string; readonly safe: VaultSafe },
  options: OpenSafeOptions,
): Promise<OpenedSafe> {
  const { safe, label } = found;
  const secret = await readSecret(context.platform.files, options, label);
  const [descriptor, slots, ledger] = await Promise.all([safe.descriptor(), safe.slots(), safe.ledger(1)]);
  using state = safeState(context, options.state, safe.safe);
  const pinned = await state.pinned();
  const opened = await openSafe({ descriptor, slots, ledger }, slotSecret(secret, safe.safe), pinned ?? undefined);
  tellEscrow(context, opened.ledger, slots);
  if (pinned !== null) await state.sawLedger({ descriptor, ledger }, opened.ledger.head);
  return opened;
}

function slotSecret(secret: Secret, safe: SafeId): SlotSecret {
  if (secret.type === 'password') return secret;
  if (secret.type === 'escrow') return { type: 'escrow', seed: parseEscrowPrivateText(secret.text) };
  return { type: 'kit', code: parseKitText(secret.text, safe) };
}
