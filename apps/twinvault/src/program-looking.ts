/** The verbs that look at many safesets: find, history, diff, mount. */
import type { Command } from '@commander-js/extra-typings';
import { Option } from '@commander-js/extra-typings';
import type { RunVerb } from './options.ts';
import {
  escrowOption,
  jsonOption,
  kitOption,
  passwordOption,
  safeOption,
  stateOption,
  vaultOption,
  limitDownloadOption,
  limitUploadOption,
  tokenOption,
} from './options.ts';

const general = 'Everyday verbs:';

export function addLookingCommands(program: Command, run: RunVerb): void {
  addFind(program, run);
  addHistory(program, run);
  addDiff(program, run);
  addMount(program, run);
}

function addFind(program: Command, run: RunVerb): void {
  program
    .command('find')
    .summary('find files by name, size or time in all safesets')
    .description(
      'Looks for files and folders in every safeset, the newest first. Each version of a path is shown once, with the newest safeset that holds it: ' +
        'safeset, size, time of change, path. What many safesets share is read once.',
    )
    .helpGroup(general)
    .argument('[pattern...]', 'names such as report.odt or "*.odt"; with a slash whole paths, such as "/srv/**/*.odt"')
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safeOption())
    .addOption(new Option('--below <path>', 'only below this folder'))
    .addOption(new Option('-i, --ignore-case', 'do not tell capital letters from small ones'))
    .addOption(new Option('--kind <kind>', 'only entries of this kind').choices(['file', 'folder', 'link', 'other'] as const))
    .addOption(new Option('--larger <size>', 'only files above this size, such as 10M'))
    .addOption(new Option('--smaller <size>', 'only files below this size'))
    .addOption(new Option('--changed-after <time>', 'only what was changed since a day (2026-11-22), a time or an age (7d)'))
    .addOption(new Option('--changed-before <time>', 'only what was changed before that'))
    .addOption(new Option('--job <name>', 'only in safesets of this job'))
    .addOption(new Option('--computer <name>', 'only in safesets of this computer'))
    .addOption(new Option('--safeset <id>', 'only in this safeset: the beginning of its id, or "latest"'))
    .addOption(passwordOption)
    .addOption(kitOption)
    .addOption(escrowOption)
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText(
      'after',
      "\nExamples:\n  twinvault find --vault /mnt/backup --safe home 'invoice*.pdf'\n  twinvault find --vault /mnt/backup --safe home --below /srv --larger 1G --changed-after 30d\n\n" +
        'In a pattern * and ? stand for any signs within a name, ** for any folders, [a-z] for one of these. Quote it, so that the shell leaves it alone.\n' +
        'It ends with 11 when nothing is found.',
    )
    .action((patterns, options) =>
      run(options.json === true, async (context) => (await import('./verbs/find.ts')).find(context, patterns, options)),
    );
}

function addHistory(program: Command, run: RunVerb): void {
  program
    .command('history')
    .summary('show the versions of one file over all safesets')
    .description(
      'Shows each version of a file or folder, oldest first: the first and the last safeset that hold it, how many do, its size and time, and what changed: content, metadata, ' +
        'removed, or kept from before since it could not be read.',
    )
    .helpGroup(general)
    .argument('<path>', 'the file')
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safeOption())
    .addOption(new Option('--job <name>', 'only in safesets of this job'))
    .addOption(new Option('--computer <name>', 'only in safesets of this computer'))
    .addOption(passwordOption)
    .addOption(kitOption)
    .addOption(escrowOption)
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText(
      'after',
      '\nExample:\n  twinvault history --vault /mnt/backup --safe home /srv/letters/offer.odt\n\nA version comes back with: twinvault restore --safeset ID --in-place --conflict rename-existing PATH',
    )
    .action((path, options) =>
      run(options.json === true, async (context) => (await import('./verbs/history.ts')).history(context, path, options)),
    );
}

function addDiff(program: Command, run: RunVerb): void {
  program
    .command('diff')
    .summary('show what changed from one safeset to another')
    .description(
      'Shows what differs between two safesets, at a cost in proportion to that: + added, - removed, M other content, m other metadata (mode, owner, time, attributes, links, marks).',
    )
    .helpGroup(general)
    .argument('<before>', 'the one safeset: the beginning of its id, or "latest"')
    .argument('<after>', 'the other one')
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safeOption())
    .addOption(new Option('--job <name>', 'the job that "latest" means'))
    .addOption(new Option('--below <path>', 'only below this folder'))
    .addOption(new Option('--content-only', 'leave out what differs in metadata alone'))
    .addOption(passwordOption)
    .addOption(kitOption)
    .addOption(escrowOption)
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText('after', '\nExample:\n  twinvault diff --vault /mnt/backup --safe home 1a2b3c4d latest --below /etc')
    .action((before, after, options) =>
      run(options.json === true, async (context) => (await import('./verbs/diff.ts')).diff(context, { before, after }, options)),
    );
}

function addMount(program: Command, run: RunVerb): void {
  program
    .command('mount')
    .summary('show safesets as a folder, to be read only (Linux)')
    .description(
      'Shows all safesets as a folder that can only be read: COMPUTER/JOB/TIME_SAFESET/path. With --safeset the folder is that safeset. Files come as they were: holes, links, hard links, owners, extended attributes. ' +
        'It stays until Ctrl-C or umount, and goes when this program does, whatever ends it. Only what is looked at is fetched.',
    )
    .helpGroup(general)
    .argument('<folder>', 'an empty folder')
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(limitUploadOption)
    .addOption(limitDownloadOption)
    .addOption(safeOption())
    .addOption(new Option('--safeset <id>', 'only this safeset: the beginning of its id, or "latest"'))
    .addOption(new Option('--job <name>', 'only safesets of this job'))
    .addOption(new Option('--computer <name>', 'only safesets of this computer'))
    .addOption(new Option('--allow-others', 'other users may look in too, as far as the modes of the files let them'))
    .addOption(passwordOption)
    .addOption(kitOption)
    .addOption(escrowOption)
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText(
      'after',
      '\nExample:\n  twinvault mount --vault /mnt/backup --safe home /mnt/safesets\n\nIt needs FUSE in the kernel; users other than root need fusermount3 (package fuse3).',
    )
    .action((folder, options) =>
      run(options.json === true, async (context) => (await import('./verbs/mount.ts')).mount(context, folder, options)),
    );
}
