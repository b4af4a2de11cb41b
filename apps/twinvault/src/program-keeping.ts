/** The verbs that say what is kept (retention types and marks, signed into the safe, and the preview of what they mean), and the proof that it is. */
import type { Command } from '@commander-js/extra-typings';
import { Option } from '@commander-js/extra-typings';
import type { MarkKind } from '@twinvault/format';
import type { RunVerb } from './options.ts';
import {
  collect,
  escrowOption,
  jsonOption,
  kitOption,
  passwordOption,
  safeOption,
  stateOption,
  vaultOption,
  wholeNumber,
  limitDownloadOption,
  limitUploadOption,
  tokenOption,
} from './options.ts';

export function addKeepingCommands(safe: Command, run: RunVerb): void {
  addRetention(safe, run);
  addMark(safe, run, {
    kind: 'hold',
    summary: 'keep a safeset whatever retention says, for a dispute or by order',
    description: 'Holds a safeset: no clean-up takes it, whatever its age, until the hold is lifted with --off.',
  });
  addMark(safe, run, {
    kind: 'lock',
    summary: 'keep a safeset because you want to',
    description: 'Locks a safeset: no clean-up takes it, whatever its age, until the lock is lifted with --off.',
  });
  addMark(safe, run, {
    kind: 'flag',
    summary: 'say that a safeset is not to be trusted, or that it is',
    description:
      'Flags a safeset as not to be trusted: it does not count as good, and it and all older safesets of its job stay until the flag is lifted with --off. ' +
      'The vault flags a safeset by itself when a run replaced far more than its job usually does, as ransomware would; --off lifts that flag, too.',
  });
}

function addRetention(safe: Command, run: RunVerb): void {
  safe
    .command('retention')
    .summary('say how long safesets of a type stay')
    .description(
      'Says how long safesets of a retention type stay: one goes only when it is older than --days AND beyond the newest --copies of its job and type. ' +
        'It is signed into the safe, so every clean-up goes by it and nobody without the password can shorten it. Try it first with twinvault keep --simulate --keep TYPE=DAYS/COPIES.',
    )
    .argument('<type>', 'name of the type, as in backup --type')
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safeOption())
    .addOption(
      new Option('--days <n>', 'stay at least this many days').argParser(wholeNumber(0, 36_500)).makeOptionMandatory(true),
    )
    .addOption(
      new Option('--copies <n>', 'stay while among the newest n').argParser(wholeNumber(0, 100_000)).makeOptionMandatory(true),
    )
    .addOption(new Option('--intraday', 'count every safeset as a copy; otherwise several of one hour count as one'))
    .addOption(passwordOption)
    .addOption(kitOption)
    .addOption(escrowOption)
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText(
      'after',
      '\nThree generations:\n  twinvault safe retention daily --days 31 --copies 7 --vault /mnt/backup --safe home\n' +
        '  twinvault safe retention monthly --days 0 --copies 12 --vault /mnt/backup --safe home\n' +
        '  twinvault safe retention yearly --days 0 --copies 3 --vault /mnt/backup --safe home',
    )
    .action((type, options) =>
      run(options.json === true, async (context) =>
        (await import('./verbs/safe-retention.ts')).safeRetention(context, type, options),
      ),
    );
}

interface MarkCommand {
  readonly kind: MarkKind;
  readonly summary: string;
  readonly description: string;
}

function addMark(safe: Command, run: RunVerb, { kind, summary, description }: MarkCommand): void {
  safe
    .command(kind)
    .summary(summary)
    .description(`${description} It is signed into the safe and needs the password or the kit.`)
    .argument('<safeset>', 'the beginning of its id as safesets shows it, or "latest"')
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safeOption())
    .addOption(new Option('--job <name>', 'the job that "latest" means'))
    .addOption(new Option('--note <text>', 'why; the vault can read it'))
    .addOption(new Option('--off', `lift the ${kind}`))
    .addOption(passwordOption)
    .addOption(kitOption)
    .addOption(escrowOption)
    .addOption(stateOption)
    .addOption(jsonOption)
    .action((safeset, options) =>
      run(options.json === true, async (context) =>
        (await import('./verbs/safe-mark.ts')).safeMark(context, { kind, safeset }, options),
      ),
    );
}

export function addVerify(program: Command, run: RunVerb, group: string): void {
  program
    .command('verify')
    .summary('compare what is stored with the files of this computer; needs no password')
    .description(
      'Compares the last safeset of this computer with its live files, without a password: this computer cannot read what it stored, but it can prove that what it has now is what is stored. ' +
        'Every stored byte of these files is read from the vault. Names of files are told that changed since, that are damaged or missing at the vault, or that cannot be compared because they are stored together with something that changed.',
    )
    .helpGroup(group)
    .argument('[path...]', 'only these files and folders (default: all of the job)')
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(limitUploadOption)
    .addOption(limitDownloadOption)
    .addOption(safeOption())
    .addOption(new Option('--job <name>', 'name of the job').default('default'))
    .addOption(new Option('--all', 'list the files that are the same, too'))
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText(
      'after',
      '\nExample:\n  twinvault verify --vault /mnt/backup --safe home /srv/letters\n\n' +
        'It ends with 0 when nothing is damaged or missing at the vault, whatever changed on this computer, and with 4 otherwise.',
    )
    .action((paths, options) =>
      run(options.json === true, async (context) => (await import('./verbs/verify.ts')).verifyVerb(context, paths, options)),
    );
}

export function addKeep(program: Command, run: RunVerb, group: string): void {
  program
    .command('keep')
    .summary('show what stays, what goes and when')
    .description(
      'Shows the retention types of a safe, and for each safeset whether it stays and why. With --simulate it shows the year to come: when each safeset goes, and how many there will be. ' +
        'It changes nothing and needs no password.',
    )
    .helpGroup(group)
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safeOption())
    .addOption(new Option('--simulate', 'a year to come: new safesets as they came so far, and a clean-up each day'))
    .addOption(
      new Option('--every <type=rhythm>', 'with --simulate: how often new ones come; may be repeated').argParser(collect),
    )
    .addOption(
      new Option('--keep <type=days/copies>', "try this rule in place of the safe's; may be repeated").argParser(collect),
    )
    .addOption(new Option('--intraday', 'count every safeset as a copy in the rules that are tried'))
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText(
      'after',
      '\nExample:\n  twinvault keep --vault /mnt/backup --safe home --simulate --keep daily=31/7 --every daily=daily --keep monthly=0/12 --every monthly=monthly\n\n' +
        'A rhythm is hourly, daily, weekly, monthly, yearly, or a number of hours (4h) or days (10d).',
    )
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/keep.ts')).keepVerb(context, options)),
    );
}
