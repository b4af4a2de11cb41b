/*
 * Checks and restores a vault in the test's own process, by the packages that the command is made of: for the many runs for
 * which starting a process each time would take too long. Errors come back as what the command would say.
 */

import { readFileSync } from 'node:fs';
import { restore } from '@twinvault/engine';
import type { RestoreReport } from '@twinvault/engine';
import { openSafe, openSafeReader, parseKitText, writeSecret } from '@twinvault/seal';
import type { SlotSecret } from '@twinvault/seal';
import { linuxTarget } from '@twinvault/sources';
import { toHex, utf8Encode } from '@twinvault/std';
import { nodePlatform } from '@twinvault/std/node';
import { inlineThreads } from '@twinvault/testkit';
import { openDirectoryVault } from '@twinvault/vault';
import type { CheckReport, SiteVault } from '@twinvault/vault';
import { explain } from '../../src/errors/explain.ts';
import type { Explanation } from '../../src/errors/explain.ts';

const platform = nodePlatform();

export type Answer<T> = { readonly type: 'done'; readonly report: T } | { readonly type: 'refused'; readonly told: Explanation };

async function answer<T>(work: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { type: 'done', report: await work() };
  } catch (error) {
    return { type: 'refused', told: explain(error, false) };
  }
}

async function withVault<T>(path: string, work: (vault: SiteVault) => Promise<T>): Promise<T> {
  const vault = await openDirectoryVault({ path, platform });
  try {
    return await work(vault);
  } finally {
    await vault[Symbol.asyncDispose]();
  }
}

/** As `check --read-data` without a password. */
export function checkVault(path: string): Promise<Answer<CheckReport>> {
  return answer(() => withVault(path, (vault) => vault.check({ readData: true })));
}

export interface RestoreRequest {
  readonly vault: string;
  /** Digest, hexadecimal. */
  readonly record: string;
  readonly to: string;
  readonly secret: SlotSecret;
}

export function kitSecret(kitFile: string): SlotSecret {
  return { type: 'kit', code: parseKitText(readFileSync(kitFile, 'utf8')) };
}

/** All of one safeset, over what is there. */
export function restoreSafeset({ vault: path, record, to, secret }: RestoreRequest): Promise<Answer<RestoreReport>> {
  return answer(() =>
    withVault(path, async (vault) => {
      const [summary] = await vault.safes();
      if (summary === undefined) throw new Error('the vault shows no safe');
      const vaultSafe = await vault.openSafe(summary.safe);
      const [descriptor, slots, ledger] = await Promise.all([vaultSafe.descriptor(), vaultSafe.slots(), vaultSafe.ledger(1)]);
      const opened = await openSafe({ descriptor, slots, ledger }, secret);
      const reader = openSafeReader({ vaultSafe, opened });
      const records = await vaultSafe.records({ kind: 'safeset' });
      const found = records.find(({ digest }) => toHex(digest) === record);
      if (found === undefined) throw new Error('the vault does not show the safeset');
      const safeset = await reader.open(found.digest);
      try {
        const { catalog, chunks, reading } = safeset;
        return await restore({
          contents: { writeSecret: writeSecret(opened.rootSecret), catalog, chunks, reading },
          target: linuxTarget({ root: utf8Encode(to) }),
          threads: inlineThreads(),
          paths: [],
          strip: new Uint8Array(),
          conflict: 'overwrite',
        });
      } finally {
        await safeset[Symbol.asyncDispose]();
      }
    }),
  );
}
