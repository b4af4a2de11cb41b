/* Names of files that are no objects yet or any more, docs/format/directory-vault.md. */

import { toHex } from '@twinvault/std';
import type { Random } from '@twinvault/std';

/** A name that no object has: swept by clean-up when it is a day old. */
export function temporaryName(random: Random): string {
  return `.tv-${toHex(random.bytes(8))}.tmp`;
}

export function isTemporaryName(name: string): boolean {
  return name.startsWith('.');
}
