/** `twinvault safe suite`: shows the suite that new data is sealed with, or raises it for good. */
import { minimumSuiteEntry } from '@twinvault/seal';
import { toHex } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import type { VerbContext } from '../wiring/context.ts';
import type { OpenSafeOptions } from '../wiring/open-safe.ts';
import { openWithSecret, seenLedger } from '../wiring/open-safe.ts';
import type { FoundSafe } from '../wiring/open-vault.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';
import { suiteNames, suiteOfChoice } from '../wiring/suites.ts';
import type { SuiteChoice } from '../wiring/suites.ts';

export interface SuiteOptions extends OpenSafeOptions, VaultOptions {
  readonly safe: string;
}

export async function safeSuite(context: VerbContext, choice: SuiteChoice | undefined, options: SuiteOptions): Promise<void> {
  await using vault = await openVault(context, options);
  const found = await openNamedSafe(vault, options.safe);
  if (choice === undefined) await showSuite(context, found, options);
  else await raiseSuite(context, choice, { found, options });
}

async function showSuite(context: VerbContext, { label, safe }: FoundSafe, options: SuiteOptions): Promise<void> {
  const { minimumSuite, descriptor } = await seenLedger(context, safe, options.state);
  context.output.result({ safe: toHex(safe.safe), label, suite: minimumSuite, madeWith: descriptor.suite }, [
    `What is backed up into safe "${label}" from now on is sealed with suite ${suiteNames[minimumSuite]}.`,
    ...(minimumSuite === descriptor.suite
      ? []
      : [`The safe was made with suite ${suiteNames[descriptor.suite]}: older data stays sealed with it.`]),
  ]);
}

async function raiseSuite(
  context: VerbContext,
  choice: SuiteChoice,
  { found, options }: { readonly found: FoundSafe; readonly options: SuiteOptions },
): Promise<void> {
  const minimum = suiteOfChoice(choice);
  const { label, safe } = found;
  const before = (await seenLedger(context, safe, options.state)).minimumSuite;
  if (minimum === before) throw new UsageError(`Safe "${label}" has suite ${suiteNames[before]} already. Nothing was changed.`);
  if (minimum < before) {
    throw new UsageError(
      `Safe "${label}" demands suite ${suiteNames[before]}, and a suite is never lowered again. For suite ${minimum} make a new safe: twinvault init --suite ${minimum}.`,
    );
  }
  const opened = await openWithSecret(context, found, options);
  await safe.appendLedger(minimumSuiteEntry({ opened, minimum, clock: context.platform.clock }));
  context.output.result({ safe: toHex(safe.safe), label, suite: minimum, madeWith: opened.ledger.descriptor.suite }, [
    `From now on everything that is backed up into safe "${label}" is sealed with suite ${suiteNames[minimum]}.`,
    'What is stored already stays as it is: it is readable, and new safesets go on using it. To have nothing of the old suite, move to a new safe: twinvault safe rekey.',
  ]);
}
