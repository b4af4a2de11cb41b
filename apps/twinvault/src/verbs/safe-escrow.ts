/** `twinvault safe escrow`: shows, adds or removes the escrow keys that open a safe. */
import { addEscrow, escrowShortForm, escrowsOf, parseEscrowPublicText, removeEscrow } from '@twinvault/seal';
import type { EscrowPublicKey } from '@twinvault/seal';
import { UsageError } from '../errors/usage-error.ts';
import type { JsonObject } from '../output/output.ts';
import type { VerbContext } from '../wiring/context.ts';
import type { OpenSafeOptions } from '../wiring/open-safe.ts';
import { openWithSecret, seenLedger } from '../wiring/open-safe.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';
import type { FoundSafe } from '../wiring/open-vault.ts';
import { keyFileText } from '../wiring/passwords.ts';

export interface SafeEscrowOptions extends OpenSafeOptions, VaultOptions {
  readonly safe: string;
  readonly add?: string | undefined;
  readonly remove?: true | undefined;
}

export async function safeEscrow(context: VerbContext, options: SafeEscrowOptions): Promise<void> {
  if (options.add !== undefined && options.remove === true) throw new UsageError('Give either --add or --remove, not both.');
  const text = options.add === undefined ? null : await keyFileText(context.platform.files, options.add, 'public escrow key');
  const publicKey = text === null ? null : parseEscrowPublicText(text);
  await using vault = await openVault(context, options);
  const found = await openNamedSafe(vault, options.safe);
  if (publicKey !== null) await add(context, publicKey, { found, options });
  else if (options.remove === true) await remove(context, { found, options });
  else await show(context, found, options);
}

function told(escrow: EscrowPublicKey): JsonObject {
  return { name: escrow.name, shortForm: escrowShortForm(escrow) };
}

async function show(context: VerbContext, { label, safe }: FoundSafe, options: SafeEscrowOptions): Promise<void> {
  const escrows = escrowsOf(await seenLedger(context, safe, options.state), await safe.slots());
  const none = `Safe "${label}" has no escrow key: only its password and its recovery kit open it.`;
  context.output.result({ label, escrows: escrows.map(told) }, escrows.length === 0 ? [none] : []);
}

/** The name into the ledger first: a slot that nobody is told of must not exist, not even after a crash. */
async function add(
  context: VerbContext,
  publicKey: EscrowPublicKey,
  { found, options }: { readonly found: FoundSafe; readonly options: SafeEscrowOptions },
): Promise<void> {
  const { random, clock } = context.platform;
  const opened = await openWithSecret(context, found, options);
  const slots = await found.safe.slots();
  if (escrowsOf(opened.ledger, slots).some((known) => escrowShortForm(known) === escrowShortForm(publicKey))) {
    throw new UsageError(`Safe "${found.label}" has the escrow key of "${publicKey.name}" already. Nothing was changed.`);
  }
  const { entry, change } = addEscrow({ opened, slots, publicKey, random, clock });
  if (entry !== null) await found.safe.appendLedger(entry);
  await found.safe.replaceSlots(change.slots, change.entry);
  const shortForm = escrowShortForm(publicKey);
  context.output.result({ label: found.label, added: told(publicKey), slots: change.slots.length }, [
    `From now on the escrow key of "${publicKey.name}" (${shortForm}) opens safe "${found.label}", all that is in it and all to come.`,
    'Compare the short form with the owner of the key. Everybody who uses the safe is told of it.',
  ]);
}

async function remove(
  context: VerbContext,
  { found, options }: { readonly found: FoundSafe; readonly options: SafeEscrowOptions },
): Promise<void> {
  const opened = await openWithSecret(context, found, options);
  const slots = await found.safe.slots();
  const gone = escrowsOf(opened.ledger, slots);
  if (gone.length === 0) throw new UsageError(`Safe "${found.label}" has no escrow key. Nothing was changed.`, 'missing');
  const change = removeEscrow({ opened, slots, clock: context.platform.clock });
  await found.safe.replaceSlots(change.slots, change.entry);
  context.output.result({ label: found.label, removed: gone.map(told), slots: change.slots.length }, [
    `No escrow key opens safe "${found.label}" any more.`,
    'Who kept a copy of the slot from before and has the private key can still open it; if that may be, move to a new safe: twinvault safe rekey.',
  ]);
}
