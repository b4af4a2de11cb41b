/** `twinvault safe slots`: the ways to open a safe. */
import { objectDigest, parseKeySlotObject } from '@twinvault/format';
import { escrowShortForm, escrowsOf } from '@twinvault/seal';
import { toHex } from '@twinvault/std';
import { formatTable } from '../output/table.ts';
import type { VerbContext } from '../wiring/context.ts';
import { seenLedger } from '../wiring/open-safe.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { SafeOptions } from './safe-agents.ts';

const names = { password: 'password', kit: 'recovery kit', escrow: 'escrow key' } as const;

export async function safeSlots(context: VerbContext, options: SafeOptions): Promise<void> {
  await using vault = await openVault(context, options);
  const { label, safe } = await openNamedSafe(vault, options.safe);
  const ledger = await seenLedger(context, safe, options.state);
  // Only those that the ledger names are the safe's.
  const listed = new Set(ledger.slotDigests().map(toHex));
  const stored = await safe.slots();
  const escrows = escrowsOf(ledger, stored);
  const slots = stored.filter((bytes) => listed.has(toHex(objectDigest(bytes)))).map((bytes) => parseKeySlotObject(bytes));
  const lines = formatTable(
    [{ title: 'Slot' }, { title: 'Opens with' }, { title: 'Cost of a guess' }],
    slots.map((slot) => [
      toHex(slot.slot).slice(0, 8),
      names[slot.type],
      slot.type === 'password' ? `Argon2id, ${slot.memoryKiB / 1024} MiB, ${slot.passes} passes` : 'not guessable',
    ]),
  );
  context.output.result(
    {
      safe: toHex(safe.safe),
      label,
      slots: slots.map((slot) => ({
        slot: toHex(slot.slot),
        type: slot.type,
        memoryKiB: slot.memoryKiB,
        passes: slot.passes,
        lanes: slot.lanes,
      })),
      escrows: escrows.map((escrow) => ({ name: escrow.name, shortForm: escrowShortForm(escrow) })),
    },
    lines,
  );
}
