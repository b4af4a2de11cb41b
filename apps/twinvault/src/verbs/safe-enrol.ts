/** `twinvault safe enrol`: a further computer writes into an existing safe. */
import { hostname } from 'node:os';
import { settingsDefault } from '@twinvault/engine';
import type { ComputerSettings, ReuseScope, SafeState } from '@twinvault/engine';
import { computerId, rootKeyShortForm } from '@twinvault/format';
import type { Certificate, Ledger } from '@twinvault/format';
import { enrolHere, succeeds } from '@twinvault/seal';
import type { AgentKeys, OpenedSafe } from '@twinvault/seal';
import { equalBytes, toHex } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import type { VerbContext } from '../wiring/context.ts';
import type { OpenSafeOptions } from '../wiring/open-safe.ts';
import { openState, openWithSecret, safeState } from '../wiring/open-safe.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';

export interface EnrolOptions extends OpenSafeOptions, VaultOptions {
  readonly safe: string;
  readonly computer?: string | undefined;
  readonly again?: string | undefined;
  readonly reuse?: ReuseScope | undefined;
}

/** The computer that was enrolled under a name, or has the certificate. */
function computerBefore(ledger: Ledger, wanted: string): Pick<Certificate, 'computer' | 'name'> {
  const found = ledger
    .certificates()
    .filter(({ id, computer, name }) => name === wanted || toHex(id) === wanted || toHex(computer) === wanted);
  const last = found.at(-1);
  if (last === undefined) {
    throw new UsageError(`No computer "${wanted}" is enrolled in this safe. \`twinvault safe agents\` lists them.`);
  }
  if (found.some(({ computer }) => toHex(computer) !== toHex(last.computer))) {
    throw new UsageError(`Several computers are called "${wanted}". Give the certificate that \`twinvault safe agents\` shows.`);
  }
  return last;
}

interface SafeBefore {
  readonly state: SafeState;
  readonly keys: AgentKeys;
  readonly settings: ComputerSettings;
}

/** What this computer has of the safe whose place this one takes: it stays the same computer, so that its jobs go on. */
async function safeBefore(context: VerbContext, stateOption: string | undefined, opened: OpenedSafe): Promise<SafeBefore | null> {
  const state = openState(context, stateOption);
  for (const id of await state.safes()) {
    const other = state.safe(id);
    const keys = await other.agentKeys();
    if (keys !== null && succeeds(opened.ledger, keys)) return { state: other, keys, settings: await other.settings() };
    other[Symbol.dispose]();
  }
  return null;
}

export async function safeEnrol(context: VerbContext, options: EnrolOptions): Promise<void> {
  await using vault = await openVault(context, options);
  const found = await openNamedSafe(vault, options.safe);
  const opened = await openWithSecret(context, found, options);
  using state = safeState(context, options.state, found.safe.safe);
  if ((await state.agentKeys()) !== null) {
    throw new UsageError(`This computer is enrolled in safe "${found.label}" already.`);
  }
  const successor = opened.ledger.successor();
  if (successor !== null) {
    const label = (await vault.safes()).find(({ safe }) => equalBytes(safe, successor.safe))?.label ?? toHex(successor.safe);
    throw new UsageError(`Safe "${found.label}" was given new keys: "${label}" took its place. Enrol this computer there.`);
  }
  const { random, clock } = context.platform;
  const again = options.again === undefined ? null : computerBefore(opened.ledger, options.again);
  const before = await safeBefore(context, options.state, opened);
  using _left = before?.state;
  const enrolled = enrolHere({
    opened,
    computer: again?.computer ?? before?.keys.computer ?? computerId(random.bytes(16)),
    name: options.computer ?? again?.name ?? before?.keys.computerName ?? hostname(),
    random,
    clock,
  });
  await found.safe.appendLedger(enrolled.entry);
  const settings = before?.settings ?? settingsDefault;
  const chosen = options.reuse === undefined ? settings : { ...settings, reuse: options.reuse };
  await state.saveSettings(chosen);
  await state.saveAgentKeys(enrolled.agent);
  const served = { descriptor: await found.safe.descriptor(), ledger: await found.safe.ledger(1) };
  await state.sawLedger(served, enrolled.opened.ledger.head);
  if (before !== null) {
    const ledgerHead = await before.state.ledgerHead(before.keys);
    await before.state.passOn({ next: found.safe.safe, rootKey: before.keys.rootKey, ledgerHead });
  }
  const rootKey = rootKeyShortForm(enrolled.agent.rootKey);
  context.output.result(
    {
      safe: toHex(found.safe.safe),
      computer: toHex(enrolled.agent.computer),
      certificate: toHex(enrolled.agent.certificate),
      rootKey,
      reuse: chosen.reuse,
    },
    [
      `This computer may now back up into safe "${found.label}".`,
      `Compare the root key with the one on the recovery kit: ${rootKey}`,
    ],
  );
}
