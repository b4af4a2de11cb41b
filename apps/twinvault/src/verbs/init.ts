/** `twinvault init`: a new safe, its recovery kit, and this computer enrolled in it. */
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { checkPasswordStrength, enrolHere, makeSafe } from '@twinvault/seal';
import { computerId, rootKeyShortForm } from '@twinvault/format';
import { settingsDefault } from '@twinvault/engine';
import type { ComputerSettings, ReuseScope } from '@twinvault/engine';
import type { KitLanguage } from '@twinvault/paper';
import { toHex } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import type { VerbContext } from '../wiring/context.ts';
import { checkKit, demandNewFile, writeKit } from '../wiring/kit-file.ts';
import { languageOf } from '../wiring/language.ts';
import { safeState } from '../wiring/open-safe.ts';
import { isAddress } from '../wiring/open-remote.ts';
import { openOrCreateVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';
import { readNewPassword } from '../wiring/passwords.ts';
import { suiteNames, suiteOfChoice } from '../wiring/suites.ts';
import type { SuiteChoice } from '../wiring/suites.ts';

export interface InitOptions extends VaultOptions {
  readonly safe: string;
  readonly kitFile: string;
  readonly passwordFile?: string | undefined;
  readonly computer?: string | undefined;
  readonly suite: SuiteChoice;
  readonly reuse?: ReuseScope | undefined;
  readonly state?: string | undefined;
  readonly language?: KitLanguage | undefined;
  /** False with --no-check. */
  readonly check: boolean;
}

/** Order: password, vault, kit and its check, state, and the safe last: whatever breaks, there is never a safe without its kit. */
export async function init(context: VerbContext, options: InitOptions): Promise<void> {
  const { files, random, clock } = context.platform;
  const kitFile = resolve(options.kitFile);
  await demandNewFile(files, kitFile);
  const password = await readNewPassword(files, options.passwordFile);
  requireStrength(password);
  await using vault = await openOrCreateVault(context, options);
  if ((await vault.safes()).some((safe) => safe.label === options.safe)) {
    throw new UsageError(
      `This vault has a safe "${options.safe}" already. Take another name, or enrol this computer in it: twinvault safe enrol.`,
    );
  }
  const made = await makeSafe({ label: options.safe, password, suite: suiteOfChoice(options.suite), random, clock });
  const enrolled = enrolHere({
    opened: made.opened,
    computer: computerId(random.bytes(16)),
    name: options.computer ?? hostname(),
    random,
    clock,
  });
  using state = safeState(context, options.state, enrolled.agent.safe);
  await writeKit(files, kitFile, { kit: made.kit, language: languageOf(options.language) });
  const settings: ComputerSettings = { ...settingsDefault, ...(options.reuse === undefined ? {} : { reuse: options.reuse }) };
  const newSafe = { ...made.newSafe, ledger: [...made.newSafe.ledger, enrolled.entry] };
  let kitChecked = false;
  try {
    kitChecked = await checkKit(context, kitFile, { kit: made.kit, isWanted: options.check });
    await state.saveSettings(settings);
    await state.saveAgentKeys(enrolled.agent);
    await vault.createSafe(newSafe);
  } catch (error) {
    // Without the safe this kit opens nothing and would only confuse.
    await files.remove(kitFile);
    throw error;
  }
  await state.sawLedger(newSafe, enrolled.opened.ledger.head);
  const shortForm = rootKeyShortForm(enrolled.agent.rootKey);
  context.output.result(
    {
      safe: toHex(enrolled.agent.safe),
      label: options.safe,
      rootKey: shortForm,
      computer: toHex(enrolled.agent.computer),
      kitFile,
      kitChecked,
      suite: suiteOfChoice(options.suite),
      reuse: settings.reuse,
    },
    [
      `Safe "${options.safe}" is ready, and this computer is enrolled in it.`,
      '',
      `  id            ${toHex(enrolled.agent.safe)}`,
      `  root key      ${shortForm}`,
      `  suite         ${suiteNames[suiteOfChoice(options.suite)]}`,
      `  recovery kit  ${kitFile}`,
      '',
      'Print the kit, put it where only you can get at it, and delete the file. Password and kit are the only ways to',
      'read what this safe will hold: if both are lost, the data is lost, and nobody can reset them.',
      '',
      ...nextLines(options, toHex(enrolled.agent.safe)),
    ],
  );
}

function nextLines({ vault, safe }: InitOptions, id: string): string[] {
  if (!isAddress(vault)) return [`Next: twinvault backup --vault ${vault} --safe ${safe} PATH...`];
  return [
    'Next, unless your token is for more than making safes: whoever runs the site makes one for this safe alone.',
    `  twinvault vault token --config FILE --safe ${id} --token-file FILE`,
    `Then: twinvault backup --token-file FILE --safe ${safe} PATH...`,
  ];
}

export function requireStrength(password: string): void {
  const strength = checkPasswordStrength(password);
  if (!strength.ok) throw new UsageError(`This password is too weak: ${strength.advice} Nothing was changed.`);
}
