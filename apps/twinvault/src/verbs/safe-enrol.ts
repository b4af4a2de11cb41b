/** `twinvault safe enrol`: a further computer writes into an existing safe. */
import { hostname } from 'node:os';
import type { ReuseScope } from '@twinvault/engine';
import { computerId, rootKeyShortForm } from '@twinvault/format';
import type { Certificate, Ledger } from '@twinvault/format';
import { enrolHere, succeeds } from '@twinvault/seal';
import type { AgentKeys, OpenedSafe } from '@twinvault/seal';
import { toHex } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import type { VerbContext } from '../wiring/context.ts';
import type { OpenSafeOptions } from '../wiring/open-safe.ts';
import { openState, openWithSecret, safeState } from '../wiring/open-safe.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';

export interface EnrolOptions extends OpenSafeOptions {
  readonly vault: string;
  readonly safe: string;
  readonly computer?: string | undefined;
  readonly again?: string | undefined;
  readonly reuse: ReuseScope;
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

/** This computer's keys of the safe whose place this one takes: it stays the same computer, so that its jobs go on. */
async function keysBefore(context: VerbContext, stateOption: string | undefined, opened: OpenedSafe): Promise<AgentKeys | null> {
  const state = openState(context, stateOption);
  for (const id of await state.safes()) {
    using other = state.safe(id);
    const keys = await other.agentKeys();
    if (keys !== null && succeeds(opened.ledger, keys)) return keys;
  }
  return null;
}

export async function safeEnrol(context: VerbContext, options: EnrolOptions): Promise<void> {
  await using vault = await openVault(context, options.vault);
  const found = await openNamedSafe(vault, options.safe);
  const opened = await openWithSecret(context, found, options);
  using state = safeState(context, options.state, found.safe.safe);
  if ((await state.agentKeys()) !== null) {
    throw new UsageError(`This computer is enrolled in safe "${found.label}" already.`);
  }
  const { random, clock } = context.platform;
  const again = options.again === undefined ? null : computerBefore(opened.ledger, options.again);
  const before = again === null ? await keysBefore(context, options.state, opened) : null;
  const enrolled = enrolHere({
    opened,
    computer: again?.computer ?? before?.computer ?? computerId(random.bytes(16)),
    name: options.computer ?? again?.name ?? before?.computerName ?? hostname(),
    random,
    clock,
  });
  await found.safe.appendLedger(enrolled.entry);
  await state.saveSettings({ reuse: options.reuse });
  await state.saveAgentKeys(enrolled.agent);
  const rootKey = rootKeyShortForm(enrolled.agent.rootKey);
  context.output.result(
    {
      safe: toHex(found.safe.safe),
      computer: toHex(enrolled.agent.computer),
      certificate: toHex(enrolled.agent.certificate),
      rootKey,
      reuse: options.reuse,
    },
    [
      `This computer may now back up into safe "${found.label}".`,
      `Compare the root key with the one on the recovery kit: ${rootKey}`,
    ],
  );
}
