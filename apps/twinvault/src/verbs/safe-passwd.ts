/** `twinvault safe passwd`: a new password for the same root secret; nothing stored changes. */
import { changePassword } from '@twinvault/seal';
import type { VerbContext } from '../wiring/context.ts';
import type { OpenSafeOptions } from '../wiring/open-safe.ts';
import { openWithSecret } from '../wiring/open-safe.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';
import { readNewPassword } from '../wiring/passwords.ts';
import { requireStrength } from './init.ts';

export interface PasswdOptions extends OpenSafeOptions, VaultOptions {
  readonly safe: string;
  readonly newPasswordFile?: string | undefined;
}

export async function safePasswd(context: VerbContext, options: PasswdOptions): Promise<void> {
  await using vault = await openVault(context, options);
  const found = await openNamedSafe(vault, options.safe);
  const opened = await openWithSecret(context, found, options);
  const password = await readNewPassword(context.platform.files, options.newPasswordFile);
  requireStrength(password);
  const { random, clock } = context.platform;
  const change = await changePassword({ opened, slots: await found.safe.slots(), password, random, clock });
  await found.safe.replaceSlots(change.slots, change.entry);
  context.output.result({ label: found.label, slots: change.slots.length }, [
    `The password of safe "${found.label}" is changed. The recovery kit stays valid, and nothing was sent again.`,
    'Who knew the old password and kept a copy of the old key slot can still open the safe; if that may be, move to a new safe: twinvault safe rekey.',
  ]);
}
