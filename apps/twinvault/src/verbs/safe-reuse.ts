/** `twinvault safe reuse`: shows or chooses whose stored data this computer uses again. The choice is this computer's, for this safe. */
import type { ReuseScope } from '@twinvault/engine';
import { toHex } from '@twinvault/std';
import type { VerbContext } from '../wiring/context.ts';
import { seenLedger } from '../wiring/open-safe.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';
import { stateOfToday } from '../wiring/own-safe.ts';
import { reuseNames } from '../wiring/reuse.ts';

export interface ReuseOptions extends VaultOptions {
  readonly safe: string;
  readonly state?: string | undefined;
}

export async function safeReuse(context: VerbContext, choice: ReuseScope | undefined, options: ReuseOptions): Promise<void> {
  await using vault = await openVault(context, options);
  const { label, safe } = await openNamedSafe(vault, options.safe);
  await seenLedger(context, safe, options.state);
  using state = await stateOfToday(context, options.state, safe.safe);
  await state.requireAgentKeys();
  if (choice === undefined) {
    const { reuse } = await state.settings();
    context.output.result({ safe: toHex(safe.safe), label, reuse }, [
      `In safe "${label}" this computer uses again ${reuseNames[reuse]}.`,
    ]);
    return;
  }
  await state.saveSettings({ reuse: choice });
  context.output.result({ safe: toHex(safe.safe), label, reuse: choice }, [
    `In safe "${label}" this computer uses again ${reuseNames[choice]}, from its next backup on.`,
    ...choiceLines[choice],
  ]);
}

const choiceLines: Readonly<Record<ReuseScope, readonly string[]>> = {
  computer: [
    'That backup sends once what others had sent before. The vault may find it unusual and flag it: safe flag --off lifts that.',
  ],
  safe: [],
};
