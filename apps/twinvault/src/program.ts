/**
 * The command line: verbs, options and help. Each verb lives in a module of its own in verbs/, imported only when it is called, so that
 * starting stays fast.
 */
import { Command, Option } from '@commander-js/extra-typings';
import type { RunVerb } from './options.ts';
import type { VerbContext } from './wiring/context.ts';
import {
  collect,
  compressionOption,
  excludeFileOption,
  excludeOption,
  includeCachesOption,
  jsonOption,
  escrowOption,
  kitOption,
  oneFileSystemOption,
  passwordOption,
  runJobOption,
  safeOption,
  safesetOption,
  stateOption,
  suitesHelp,
  typeOption,
  vaultOption,
  wholeNumber,
  limitDownloadOption,
  limitUploadOption,
  tokenOption,
} from './options.ts';
import { addKeep, addVerify } from './program-keeping.ts';
import { addLookingCommands } from './program-looking.ts';
import { addSafeCommands } from './program-safe.ts';
import { addSeedCommands } from './program-seed.ts';
import { addServe, addVaultCommands } from './program-vault.ts';
import { version } from './version.ts';
import { languageOption } from './wiring/language.ts';
import { reuseOption } from './wiring/reuse.ts';

const general = 'Everyday verbs:';
const care = "Care of a vault (needs access to the vault's directory, or a token for operators):";

function addInit(program: Command, run: RunVerb): void {
  program
    .command('init')
    .summary('make a new safe and enrol this computer')
    .description(
      'Makes a new safe in the vault (and the vault, if the directory is missing or empty), enrols this computer in it, and writes the recovery kit.\n\n' +
        'The password and the kit are the only two ways to read what the safe holds. Whoever loses both has lost the data: nobody can reset them.',
    )
    .helpGroup(general)
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(new Option('--safe <name>', 'name of the new safe').makeOptionMandatory(true))
    .addOption(
      new Option('--kit-file <file>', 'write the recovery kit to this new file: a PDF if its name ends so').makeOptionMandatory(
        true,
      ),
    )
    .addOption(new Option('--no-check', 'do not ask for two words of the kit'))
    .addOption(languageOption)
    .addOption(passwordOption)
    .addOption(new Option('--computer <name>', 'what this computer is called (default: its host name)'))
    .addOption(new Option('--suite <number>', `cipher suite: ${suitesHelp}`).choices(['1', '2'] as const).default('1' as const))
    .addOption(reuseOption())
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText('after', '\nExample:\n  twinvault init --vault /mnt/backup --safe home --kit-file kit.pdf')
    .action((options) => run(options.json === true, async (context) => (await import('./verbs/init.ts')).init(context, options)));
}

function addBackup(program: Command, run: RunVerb): void {
  program
    .command('backup')
    .summary('back up files and folders; needs no password')
    .description(
      'Backs up files and folders into the safe as a new safeset. Only what changed since the last run is read and sent. ' +
        'It needs no password: this computer can write into the safe, but cannot read what it sent.',
    )
    .helpGroup(general)
    .argument('<path...>', 'files and folders to protect')
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(limitUploadOption)
    .addOption(limitDownloadOption)
    .addOption(safeOption())
    .addOption(runJobOption)
    .addOption(typeOption)
    .addOption(excludeOption)
    .addOption(excludeFileOption)
    .addOption(oneFileSystemOption)
    .addOption(includeCachesOption)
    .addOption(compressionOption)
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText(
      'after',
      "\nExample:\n  twinvault backup --vault /mnt/backup --safe home --exclude '*.tmp' /srv /etc\n\n" +
        'It ends with 0, or with 3 when some files could not be read: these are listed and keep their last version.',
    )
    .action((paths, options) =>
      run(options.json === true, async (context) => (await import('./verbs/backup.ts')).backupVerb(context, paths, options)),
    );
}

function addSafesets(program: Command, run: RunVerb): void {
  program
    .command('safesets')
    .summary('list the restore points of a safe')
    .description('Lists the safesets (restore points) of a safe, oldest first. It needs no password.')
    .helpGroup(general)
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safeOption())
    .addOption(new Option('--job <name>', 'only those of this job'))
    .addOption(stateOption)
    .addOption(jsonOption)
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/safesets.ts')).safesets(context, options)),
    );
}

function addBrowse(program: Command, run: RunVerb): void {
  program
    .command('ls')
    .summary('list what a safeset holds')
    .description('Lists a folder of a safeset, or shows one file. Names are sealed, so it needs the password or the kit.')
    .helpGroup(general)
    .argument('[path]', 'the folder or file', '/')
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safeOption())
    .addOption(safesetOption())
    .addOption(new Option('--job <name>', 'the job that "latest" means'))
    .addOption(new Option('-R, --recursive', 'also all that lies below'))
    .addOption(passwordOption)
    .addOption(kitOption)
    .addOption(escrowOption)
    .addOption(stateOption)
    .addOption(jsonOption)
    .action((path, options) =>
      run(options.json === true, async (context) => (await import('./verbs/ls.ts')).ls(context, path, options)),
    );
  program
    .command('cat')
    .summary('write one file of a safeset to standard output')
    .description('Writes the content of one file of a safeset to standard output.')
    .helpGroup(general)
    .argument('<path>', 'the file')
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safeOption())
    .addOption(safesetOption())
    .addOption(new Option('--job <name>', 'the job that "latest" means'))
    .addOption(passwordOption)
    .addOption(kitOption)
    .addOption(escrowOption)
    .addOption(stateOption)
    .action((path, options) => run(false, async (context) => (await import('./verbs/cat.ts')).cat(context, path, options)));
}

function addRestore(program: Command, run: RunVerb): void {
  program
    .command('restore')
    .summary('bring files back')
    .description(
      'Restores a safeset, or the given files and folders of it, below a directory: each at its full path (DIR/usr/share/x), or at what is left after --strip; or, with --in-place, where it was. ' +
        'Count and size are shown before, every byte is verified, and what stands there already is not touched unless --conflict says so.\n\n' +
        'A restore that was broken off, even by a crash, goes on when the same command is given again: what is there and verified is not fetched again.',
    )
    .helpGroup(general)
    .argument('[path...]', 'only these files and folders')
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(limitUploadOption)
    .addOption(limitDownloadOption)
    .addOption(safeOption())
    .addOption(safesetOption())
    .addOption(new Option('--to <directory>', 'restore below this directory; it is made if missing'))
    .addOption(new Option('--in-place', 'restore to the original paths; by itself it only brings back what is missing there'))
    .addOption(new Option('--job <name>', 'the job that "latest" means'))
    .addOption(new Option('--strip <path>', 'leave out this beginning of the paths'))
    .addOption(
      new Option('--conflict <rule>', 'what to do where something stands already')
        .choices(['skip', 'newer', 'different', 'overwrite', 'rename-incoming', 'rename-existing'] as const)
        .default('skip' as const),
    )
    .addOption(new Option('--start-anew', 'do not go on with the same restore that was broken off'))
    .addOption(new Option('--dry-run', 'only show count and size'))
    .addOption(passwordOption)
    .addOption(kitOption)
    .addOption(escrowOption)
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText(
      'after',
      '\nExample:\n  twinvault restore --vault /mnt/backup --safe home --safeset latest --to /tmp/back --strip /srv /srv/letters\n  twinvault restore --vault /mnt/backup --safe home --safeset latest --in-place --conflict rename-existing /etc/hosts\n\n' +
        'Where something stands already, --conflict decides:\n' +
        '  skip             it stays as it is (the default: nothing is destroyed)\n' +
        '  newer            it is replaced by what was changed later\n' +
        '  different        it is replaced where type, size or time differ\n' +
        '  overwrite        it is replaced; a folder in the place of a file stays\n' +
        '  rename-incoming  what is restored becomes "NAME (restored)"\n' +
        '  rename-existing  what is there becomes "NAME (before restore)"\n\n' +
        'It ends with 0, or with 3 when something could not be restored whole: it is listed.',
    )
    .action((paths, options) =>
      run(options.json === true, async (context) => (await import('./verbs/restore.ts')).restoreVerb(context, paths, options)),
    );
}

function addEscrow(program: Command, run: RunVerb): void {
  program
    .command('escrow')
    .summary('make an escrow key for a company')
    .description(
      'Makes an escrow key: a private file, to be locked away, and a public one, which is given to safes by twinvault safe escrow --add. The private key opens each of these safes (--escrow-file), ' +
        'and whoever uses them is told so. It belongs to no safe and needs no vault.',
    )
    .helpGroup(care)
    .addOption(new Option('--name <name>', 'whose key it is, as people read it').makeOptionMandatory(true))
    .addOption(new Option('--key-file <file>', 'write the private key to this new file').makeOptionMandatory(true))
    .addOption(new Option('--public-file <file>', 'write the public key to this new file').makeOptionMandatory(true))
    .addOption(jsonOption)
    .addHelpText(
      'after',
      "\nExample:\n  twinvault escrow --name 'Example Ltd, IT' --key-file escrow.key --public-file escrow.pub",
    )
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/escrow.ts')).escrow(context, options)),
    );
}

function addCare(program: Command, run: RunVerb): void {
  program
    .command('check')
    .summary('check that everything is there and undamaged')
    .description(
      'Checks the objects of a vault, their signatures and that every safeset has all it needs. With --read-data every stored byte is read and compared with its digest. ' +
        'With the password or the kit it also opens what is stored, checks every chunk id, and recomputes what each safeset needs.',
    )
    .helpGroup(general)
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(limitUploadOption)
    .addOption(limitDownloadOption)
    .addOption(new Option('--safe <name>', 'only this safe'))
    .addOption(new Option('--read-data', 'read every stored byte'))
    .addOption(new Option('--set-aside', 'move damaged packs aside, so that the next backups store again what they held'))
    .addOption(passwordOption)
    .addOption(kitOption)
    .addOption(escrowOption)
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText(
      'after',
      '\nOf two sites (--vault A,B) each is checked, and what they show is compared. It ends with 0 when all is well, with 4 when something is damaged or missing, with 12 when a site shows less than it should, and with 14 when one of two sites could not be reached.',
    )
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/check.ts')).check(context, options)),
    );
  addClean(program, run);
  program
    .command('rebuild')
    .summary("make a vault's caches again from its objects")
    .description(
      'Throws away every cache of a vault and makes it again from the stored objects. Leases end; data is not touched.',
    )
    .helpGroup(care)
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(jsonOption)
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/rebuild.ts')).rebuild(context, options)),
    );
}

function addClean(program: Command, run: RunVerb): void {
  program
    .command('clean')
    .summary('retire safesets by retention and remove what nothing needs')
    .description(
      "Retires safesets that are older than their type's days AND beyond its copies, as safe retention says or these options for types that the safe has no rule for, then removes stored data that no safeset needs. The newest good safeset of each job always stays, and so does what is held, locked or flagged.\n\n" +
        'Removal has two steps: what nothing needs is set aside first and deleted by a later clean, when the delay is over and nothing has come to need it again.\n\n' +
        'Packs of which only a part is needed are compacted: that part moves into new packs, and the old ones are set aside. Many small packs become few. Backups and restores go on meanwhile, and a clean that was broken off is carried on by the next one.\n\n' +
        'Where the safe stands at two sites, nothing is retired or deleted while one has not followed the other for a day or their clocks differ, and the site that is not its home retires with the consent of home only.',
    )
    .helpGroup(care)
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safeOption())
    .addOption(new Option('--days <n>', 'keep safesets for this many days').argParser(wholeNumber(0, 36_500)))
    .addOption(new Option('--copies <n>', 'keep at least this many safesets of each job').argParser(wholeNumber(1, 100_000)))
    .addOption(new Option('--keep <type=days/copies>', 'the same for one retention type; may be repeated').argParser(collect))
    .addOption(new Option('--intraday', 'count every safeset as a copy; otherwise several of one hour count as one'))
    .addOption(new Option('--delay-hours <n>', 'how long data stays set aside').default(24).argParser(wholeNumber(0, 8760)))
    .addOption(
      new Option('--unused <percent>', 'how much may stay that is not needed, in percent of what is; less means more rewriting')
        .default(5)
        .argParser(wholeNumber(0, 1000)),
    )
    .addOption(
      new Option('--compact-gib <n>', 'move at most this many GiB into new packs in one run')
        .default(100)
        .argParser(wholeNumber(1, 1_000_000)),
    )
    .addOption(new Option('--no-compact', 'only remove packs of which nothing is needed'))
    .addOption(new Option('--allow-large', 'go on although over half of the safe would be removed at once'))
    .addOption(
      new Option('--clock-ok', 'go on although a clock jumped since the last clean-up: you have looked, and it is right'),
    )
    .addOption(new Option('--dry-run', 'only say what would be done'))
    .addOption(jsonOption)
    .addHelpText(
      'after',
      '\nExample:\n  twinvault clean --vault /mnt/backup --safe home --keep daily=31/7 --keep monthly=365/12 --dry-run',
    )
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/clean.ts')).clean(context, options)),
    );
}

interface Called {
  /** What the verb is given too. */
  options?: { vault?: string; readonly tokenFile?: string };
}

/** Where --vault may stand and was left out, the token files say it. */
async function nameVault(context: VerbContext, { options }: Called): Promise<void> {
  if (options?.vault !== '') return;
  const { vaultOfTokens } = await import('./wiring/named-vault.ts');
  options.vault = await vaultOfTokens(context, options.tokenFile);
}

export function makeProgram(runVerb: RunVerb): Command {
  const called: Called = {};
  const run: RunVerb = (json, body) =>
    runVerb(json, async (context) => {
      await nameVault(context, called);
      await body(context);
    });
  const program = new Command('twinvault')
    .description(
      'Encrypted backup that nobody but you can read. This computer seals what it sends; a vault keeps it without keys; the password or the recovery kit brings it back.',
    )
    .version(`twinvault ${version}`, '--version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [verb]', 'show the help of a verb')
    .showSuggestionAfterError(true)
    .addHelpText(
      'after',
      '\nStart:\n  twinvault init --vault DIR --safe NAME --kit-file KIT.pdf\n  twinvault backup --vault DIR --safe NAME PATH...\nAt a site, --token-file FILE takes the place of --vault DIR.\n\nExit codes: 0 done, 3 done with errors that are listed, 4 damage found; others in the user guide.',
    );
  program.hook('preAction', (_program, command) => {
    called.options = command.opts();
  });
  addInit(program, run);
  addBackup(program, run);
  addSafesets(program, run);
  addBrowse(program, run);
  addLookingCommands(program, run);
  addRestore(program, run);
  addVerify(program, run, general);
  addKeep(program, run, general);
  addSafeCommands(program, run);
  addEscrow(program, run);
  addCare(program, run);
  addServe(program, run);
  addVaultCommands(program, run);
  addSeedCommands(program, run);
  return program;
}
