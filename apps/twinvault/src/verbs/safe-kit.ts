/** `twinvault safe kit`: a new recovery kit, which ends the older ones once it was checked. */
import { resolve } from 'node:path';
import type { KitLanguage } from '@twinvault/paper';
import { changeKit } from '@twinvault/seal';
import { UsageError } from '../errors/usage-error.ts';
import type { VerbContext } from '../wiring/context.ts';
import { checkKit, demandNewFile, writeKit } from '../wiring/kit-file.ts';
import { languageOf } from '../wiring/language.ts';
import type { OpenSafeOptions } from '../wiring/open-safe.ts';
import { openWithSecret } from '../wiring/open-safe.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';

export interface KitOptions extends OpenSafeOptions, VaultOptions {
  readonly safe: string;
  readonly newKitFile: string;
  readonly language?: KitLanguage | undefined;
  /** False with --no-check. */
  readonly check: boolean;
}

/** The file first, then the check, and only then the vault: whatever breaks, a kit that somebody holds opens the safe. */
export async function safeKit(context: VerbContext, options: KitOptions): Promise<void> {
  const { files, random, clock } = context.platform;
  const path = resolve(options.newKitFile);
  await demandNewFile(files, path);
  if (options.kitFile !== undefined && resolve(options.kitFile) === path)
    throw new UsageError('The new kit needs a file of its own.');
  await using vault = await openVault(context, options);
  const found = await openNamedSafe(vault, options.safe);
  const opened = await openWithSecret(context, found, options);
  const change = changeKit({ opened, slots: await found.safe.slots(), random, clock });
  await writeKit(files, path, { kit: change.kit, language: languageOf(options.language) });
  let isChecked = false;
  try {
    isChecked = await checkKit(context, path, { kit: change.kit, isWanted: options.check });
    await found.safe.replaceSlots(change.slots, change.entry);
  } catch (error) {
    // It opens nothing and would only confuse.
    await files.remove(path);
    throw error;
  }
  context.output.result({ label: found.label, kitFile: path, checked: isChecked, slots: change.slots.length }, [
    `Safe "${found.label}" has a new recovery kit: ${path}`,
    'Older kits open it no longer: destroy them.',
    ...(isChecked ? [] : ['It was not checked that it can be read: print it and look at it now.']),
    'Print it, put it where only you can get at it, and delete the file.',
  ]);
}
