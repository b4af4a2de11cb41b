/* Vectors of the keys that a safe seals for a computer of the safe before. */

import { certificateId, Ledger, parseLedgerEntry, safeIdOf } from '@twinvault/format';
import { admissionEntries, OpenedSafe } from '@twinvault/seal';
import { primitives, toHex } from '@twinvault/std';
import type { VectorFile } from '../src/vector.ts';
import { SealedCollector } from './sealed-collect.ts';
import { flipped, rs, sealComputer, sealDescriptor, sealSafe } from './sealed-world.ts';
import { createdMs, fill } from './world.ts';

export async function openedAdmissionVectors(): Promise<VectorFile> {
  const about =
    'Packages of admission entries. bytes: the package; context: safe and certificate that it is for, sealSeed of the computer. value: the write secret and the state key.';
  const sealSeed = fill('admission seal seed', 32);
  const certificate = certificateId(fill('admission certificate', 16));
  const context = { safe: toHex(sealSafe), certificate: toHex(certificate), sealSeed: toHex(sealSeed) };
  const collector = new SealedCollector({ parser: 'opened-admission', about }, context);
  const { entries } = admissionEntries({
    opened: new OpenedSafe(rs, Ledger.replay(sealDescriptor, [])),
    clock: { nowMs: () => createdMs },
    certificate,
    of: {
      computer: sealComputer,
      name: 'fileserver',
      agentKey: primitives.ed25519PublicKey(fill('admission agent seed', 32)),
      sealKey: primitives.xwingPublicKey(sealSeed),
    },
    kemRandom: fill('admission kem', 64),
  });
  const { payload } = parseLedgerEntry(entries[1] ?? new Uint8Array(0));
  if (payload.kind !== 'admission') throw new Error('the second entry is the admission');
  const sealed = payload.package;
  await collector.valid('an admission', sealed);
  const refuse = async (name: string, bytes: Uint8Array, changed: Record<string, string> = {}): Promise<void> =>
    await collector.invalid(name, bytes, { code: 'admission-invalid', context: changed });
  await refuse('KEM ciphertext changed', flipped(sealed, 0));
  await refuse('sealed keys changed', flipped(sealed, 1120));
  await refuse('tag changed', flipped(sealed, -1));
  await refuse('one byte too few', sealed.slice(0, -1));
  await refuse('to another seal key', sealed, { sealSeed: toHex(fill('other seed', 32)) });
  await refuse('for another certificate', sealed, { certificate: toHex(fill('other certificate', 16)) });
  await refuse('for another safe', sealed, { safe: toHex(safeIdOf(fill('other root key', 32))) });
  return collector.finish();
}
