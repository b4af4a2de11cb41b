/* Frozen safes with one named damage each, as fixtures/v1/broken.json lists them, and what Twinvault says of one. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSafeReader } from '@twinvault/seal';
import { CodedError, toHex } from '@twinvault/std';
import { changed, frozenText, frozenVault, thawed } from './frozen-files.ts';
import type { Change } from './frozen-files.ts';
import { listSafeset, openFrozen, RefsDiffer } from './listing.ts';
import type { OpenedFrozen } from './listing.ts';
import { frozenFolder } from './places.ts';
import type { FrozenName } from './places.ts';

export interface Broken {
  readonly name: string;
  readonly of: FrozenName;
  readonly changes: readonly Change[];
  readonly twinvault: Outcome;
  /** Exit code of tools/decoder. */
  readonly decoder: number;
}

export interface Outcome {
  /** With the kit: "open", or the code of the error. */
  readonly safe: string;
  /** Records that are shown, by the beginning of their digest: "whole", or the code of the first error that reading everything meets. */
  readonly safesets: Readonly<Record<string, string>>;
  /** Codes of what `check` finds, each once, sorted. */
  readonly check: readonly string[];
}

export function brokenSafes(): Broken[] {
  return JSON.parse(readFileSync(join(frozenFolder, 'broken.json'), 'utf8')) as Broken[];
}

function codeOf(error: unknown): string {
  if (error instanceof RefsDiffer) return 'refs-differ';
  if (error instanceof CodedError) return error.code;
  throw error;
}

/** What Twinvault makes of a frozen safe with these changes. */
export async function outcomeOf(of: FrozenName, changes: readonly Change[]): Promise<Outcome> {
  const platform = await thawed(changed(frozenVault(of), changes));
  const safesets: Record<string, string> = {};
  let frozen: OpenedFrozen;
  try {
    frozen = await openFrozen('/vault', platform, { type: 'kit', text: frozenText(of, 'kit.txt') });
  } catch (error) {
    return { safe: codeOf(error), safesets, check: [] };
  }
  const reader = openSafeReader({ vaultSafe: frozen.safe, opened: frozen.opened });
  for (const { digest } of await reader.safesets()) {
    const short = toHex(digest).slice(0, 8);
    try {
      const safeset = await reader.open(digest);
      await using _held = safeset;
      await listSafeset(safeset);
      safesets[short] = 'whole';
    } catch (error) {
      safesets[short] = codeOf(error);
    }
  }
  const { problems } = await frozen.vault.check({ readData: true });
  return { safe: 'open', safesets, check: [...new Set(problems.map(({ code }) => code))].sort() };
}
