/* Names of files that are no objects yet or any more, docs/format/directory-vault.md. */

import { toHex } from '@twinvault/std';
import type { Random } from '@twinvault/std';

/** A name that no object has: swept by clean-up when it is a day old. */
export function temporaryName(random: Random): string {
  return `.tv-${toHex(random.bytes(8))}.tmp`;
}

/** The same of what is just being erased: its bytes go first, whatever its age. */
export function erasedName(random: Random): string {
  return `.tv-${toHex(random.bytes(8))}.erase`;
}

export function isErasedName(name: string): boolean {
  return name.startsWith('.') && name.endsWith('.erase');
}

export function isTemporaryName(name: string): boolean {
  return name.startsWith('.');
}
