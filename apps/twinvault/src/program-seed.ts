/** The verbs below `seed`: disks on which safesets travel. */
import type { Command } from '@commander-js/extra-typings';
import { Option } from '@commander-js/extra-typings';
import type { RunVerb } from './options.ts';
import {
  collect,
  compressionOption,
  excludeFileOption,
  excludeOption,
  includeCachesOption,
  jsonOption,
  limitDownloadOption,
  oneFileSystemOption,
  runJobOption,
  safeOption,
  stateOption,
  tokenOption,
  typeOption,
  vaultOption,
} from './options.ts';

export function addSeedCommands(program: Command, run: RunVerb): void {
  const seed: Command = program
    .command('seed')
    .summary('bring a first backup, or safesets for a restore, on a disk')
    .description(
      'Brings safesets on a disk where a line would take days. A load is the first backup of a job, made onto a disk and taken in at the site; after it only changes are sent. ' +
        'A restore is the way back: safesets on a disk, still sealed, with a program that restores them without the service.\n\n' +
        'What lies on the disk is sealed as it is in the vault. A load has no key slots: it opens to nobody, not even with the password. Other files on the disk are left alone.',
    )
    .helpGroup('On a disk:');
  addCreate(seed, run);
  addImport(seed, run);
  addExport(seed, run);
  addVerifySeed(seed, run);
  addForget(seed, run);
}

function addCreate(seed: Command, run: RunVerb): void {
  seed
    .command('create')
    .summary("make a job's first backup onto a disk; needs no network")
    .description(
      'Backs up files and folders into a vault on the disk and signs what is there. This computer has to be enrolled in the safe; a network it needs not. ' +
        'When the site has taken the disk in, twinvault backup with the same --job sends only what changed since.\n\n' +
        'Given again, the command goes on where it was broken off, or adds what changed.',
    )
    .argument('<disk>', 'where the disk is mounted, or a folder on it')
    .argument('<path...>', 'files and folders to protect')
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
      '\nExample:\n  twinvault seed create /mnt/seed --safe home --job files /srv\n\nThen, at the site:\n  twinvault seed import /mnt/seed --config site.yaml',
    )
    .action((disk, paths, options) =>
      run(options.json === true, async (context) =>
        (await import('./verbs/seed-create.ts')).seedCreate(context, { disk, paths }, options),
      ),
    );
}

function addImport(seed: Command, run: RunVerb): void {
  seed
    .command('import')
    .summary('take such a disk in at the site')
    .description(
      'Takes the safesets of a disk in at the site that the configuration describes; the site may run meanwhile. The safe has to stand there already. ' +
        'Everything is verified as if the computer had sent it, and the site signs its own receipts. Broken off or repeated, nothing is taken twice; what is damaged on the disk is listed and the rest taken in (exit code 4).',
    )
    .argument('<disk>', 'where the disk is mounted, or a folder on it')
    .addOption(
      new Option('--config <file>', 'the configuration of the site: docs/operating/configuration.md').makeOptionMandatory(true),
    )
    .addOption(new Option('--safe <id>', 'only this safe, where the disk holds seeds of several'))
    .addOption(jsonOption)
    .addHelpText('after', '\nExample:\n  twinvault seed import /mnt/seed --config /etc/twinvault/site.yaml')
    .action((disk, options) =>
      run(options.json === true, async (context) => (await import('./verbs/seed-import.ts')).seedImport(context, disk, options)),
    );
}

function addExport(seed: Command, run: RunVerb): void {
  seed
    .command('export')
    .summary('put safesets on a disk, with all that a restore needs')
    .description(
      'Copies safesets from a vault onto a disk, as they are stored and sealed, with the program that restores them and a page that says how, in English and German. ' +
        'It needs no password; who restores does. Given again it goes on where it was broken off, or adds further safesets.',
    )
    .argument('<disk>', 'where the disk is mounted, or a folder on it')
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(limitDownloadOption)
    .addOption(safeOption())
    .addOption(
      new Option(
        '--safeset <id>',
        'the beginning of a safeset\'s id, or "latest"; may be repeated (default: all safesets)',
      ).argParser(collect),
    )
    .addOption(new Option('--job <name>', 'only safesets of this job'))
    .addOption(
      new Option(
        '--reader <folder>',
        'the program to put on the disk, as npm run build makes it (default: this one, where it was built so)',
      ),
    )
    .addOption(new Option('--no-reader', 'put no program on the disk'))
    .addOption(new Option('--mend', 'read what lies on the disk already, and copy again what is damaged'))
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText(
      'after',
      '\nExamples:\n  twinvault seed export /mnt/back --vault /srv/twinvault --safe home --job files --safeset latest\n' +
        '  twinvault seed export /mnt/back --token-file home.token --safe home',
    )
    .action((disk, options) =>
      run(options.json === true, async (context) => (await import('./verbs/seed-export.ts')).seedExport(context, disk, options)),
    );
}

function addVerifySeed(seed: Command, run: RunVerb): void {
  seed
    .command('verify')
    .summary('prove that a seed disk is complete and whole')
    .description(
      'Reads every byte of the seed and proves, without any key: who signed it, that each object is there and is what it should be, and that no safeset lacks anything. ' +
        'Run it before the disk is sent, and when it has arrived. It ends with 4 when something is damaged or missing.',
    )
    .argument('<disk>', 'where the disk is mounted, or a folder on it')
    .addOption(jsonOption)
    .addHelpText('after', '\nExample:\n  twinvault seed verify /mnt/seed')
    .action((disk, options) =>
      run(options.json === true, async (context) => (await import('./verbs/seed-verify.ts')).seedVerify(context, disk)),
    );
}

function addForget(seed: Command, run: RunVerb): void {
  seed
    .command('forget')
    .summary('give up a seed disk that was lost')
    .description(
      "Forgets that a job's first backup is on its way on a disk: its next run begins anew, over the network or on another disk. " +
        'Should the disk turn up and be taken in later all the same, no harm is done: the next run joins both.',
    )
    .addOption(safeOption())
    .addOption(runJobOption)
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText('after', '\nExample:\n  twinvault seed forget --safe home --job files')
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/seed-forget.ts')).seedForget(context, options)),
    );
}
