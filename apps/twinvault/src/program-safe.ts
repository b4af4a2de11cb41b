/** The verbs below `safe`: who may open and write it. */
import type { Command } from '@commander-js/extra-typings';
import { Argument, Option } from '@commander-js/extra-typings';
import { languageOption } from './wiring/language.ts';
import { reuseChoices, reuseHelp, reuseOption } from './wiring/reuse.ts';
import type { RunVerb } from './options.ts';
import { addKeepingCommands } from './program-keeping.ts';
import { addOperator } from './program-operators.ts';
import {
  collect,
  escrowOption,
  jsonOption,
  kitOption,
  passwordOption,
  safeOption,
  stateOption,
  suitesHelp,
  vaultOption,
  limitDownloadOption,
  limitUploadOption,
  tokenOption,
} from './options.ts';

export function addSafeCommands(program: Command, run: RunVerb): void {
  const safe: Command = program
    .command('safe')
    .summary('computers, passwords, keys and retention of a safe')
    .description('Computers, passwords, keys and retention of a safe.')
    .helpGroup('Everyday verbs:');
  addComputerCommands(safe, run);
  addKeyCommands(safe, run);
  addEscrowCommand(safe, run);
  addRekeyCommand(safe, run);
  addSuiteCommand(safe, run);
  addReuseCommand(safe, run);
  addKeepingCommands(safe, run);
  addOperator(safe, run);
  addErase(safe, run);
}

function addComputerCommands(safe: Command, run: RunVerb): void {
  safe
    .command('enrol')
    .summary('let this computer write into the safe')
    .description(
      'Enrols this computer in an existing safe: it gets keys of its own and may write its own jobs. Needs the password or the kit once.',
    )
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safeOption())
    .addOption(new Option('--computer <name>', 'what this computer is called (default: its host name)'))
    .addOption(
      new Option(
        '--again <computer>',
        'it was enrolled under this name or certificate and lost its keys: its jobs go on, and little is sent',
      ),
    )
    .addOption(reuseOption())
    .addOption(passwordOption)
    .addOption(kitOption)
    .addOption(escrowOption)
    .addOption(stateOption)
    .addOption(jsonOption)
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/safe-enrol.ts')).safeEnrol(context, options)),
    );
  safe
    .command('agents')
    .summary('list the computers that may write into the safe')
    .description('Lists the computers of the safe with their certificates. It needs no password.')
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safeOption())
    .addOption(stateOption)
    .addOption(jsonOption)
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/safe-agents.ts')).safeAgents(context, options)),
    );
  safe
    .command('revoke')
    .summary('take the right to write from a computer')
    .description(
      'Revokes the certificate of a computer: the vault takes nothing more from it. What it stored before stays restorable.',
    )
    .argument('<certificate>', 'the beginning of its certificate id, as shown by safe agents')
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safeOption())
    .addOption(passwordOption)
    .addOption(kitOption)
    .addOption(escrowOption)
    .addOption(stateOption)
    .addOption(jsonOption)
    .action((certificate, options) =>
      run(options.json === true, async (context) =>
        (await import('./verbs/safe-revoke.ts')).safeRevoke(context, certificate, options),
      ),
    );
}

function addKeyCommands(safe: Command, run: RunVerb): void {
  safe
    .command('passwd')
    .summary('change the password; nothing is sent again')
    .description(
      'Changes the password of the safe. Stored data stays as it is. The recovery kit goes on working, so this is also the way back in when the password is lost: --kit-file. ' +
        'Somebody who knew the old password and kept a copy of the old key slot can still open the safe: against that only a new safe helps.',
    )
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safeOption())
    .addOption(passwordOption)
    .addOption(kitOption)
    .addOption(escrowOption)
    .addOption(new Option('--new-password-file <file>', 'read the new password from the first line of this file'))
    .addOption(stateOption)
    .addOption(jsonOption)
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/safe-passwd.ts')).safePasswd(context, options)),
    );
  safe
    .command('kit')
    .summary('make a new recovery kit to print; older ones end')
    .description(
      'Makes a new recovery kit: a page to print, with 24 words, a QR code and a code, each of which opens the safe without the password. ' +
        'On a terminal it asks for two of the words, so that it is certain that the page can be read; only then do older kits end. ' +
        'Needs the password or an older kit.',
    )
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safeOption())
    .addOption(
      new Option(
        '--new-kit-file <file>',
        'write the kit to this new file: a PDF if its name ends so, else text',
      ).makeOptionMandatory(true),
    )
    .addOption(languageOption)
    .addOption(new Option('--no-check', 'do not ask for two words of the kit'))
    .addOption(passwordOption)
    .addOption(kitOption)
    .addOption(escrowOption)
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText('after', '\nExample:\n  twinvault safe kit --vault /mnt/backup --safe home --new-kit-file kit.pdf')
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/safe-kit.ts')).safeKit(context, options)),
    );
  safe
    .command('slots')
    .summary('list the ways to open the safe')
    .description('Lists the key slots of the safe: each is one way to open it. It needs no password.')
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safeOption())
    .addOption(stateOption)
    .addOption(jsonOption)
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/safe-slots.ts')).safeSlots(context, options)),
    );
}

function addErase(safe: Command, run: RunVerb): void {
  safe
    .command('erase')
    .summary('have the safe, or jobs of it, erased for good at every site')
    .description(
      'Orders that the whole safe, or jobs of it, are erased for good at every site that keeps it. Without --whole, --job or --computer it shows the orders there are, how far each site is, and what it signed about it.\n\n' +
        'Each site waits first (72 hours, unless whoever runs it set another time): until then everything goes on as before, and --cancel takes the order back. Then the key slots go, and everything else is overwritten where that means something, and removed. Nobody can bring it back.\n\n' +
        'Two operators of the safe can order it together: twinvault vault erase. What the sites signed is verified by twinvault vault certificate.',
    )
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safeOption())
    .addOption(new Option('--whole', 'the whole safe, with its keys'))
    .addOption(
      new Option('--job <name>', 'this job, of every computer unless --computer says which; may be repeated').argParser(collect),
    )
    .addOption(new Option('--computer <name>', 'jobs of this computer, by its name or id; all of them without --job'))
    .addOption(new Option('--confirm <safe>', "the safe's name once more: what is erased does not come back"))
    .addOption(new Option('--cancel <order>', 'take back the order whose id begins so'))
    .addOption(new Option('--certificates <file>', 'write what the sites signed to this new file, a line for each'))
    .addOption(passwordOption)
    .addOption(kitOption)
    .addOption(escrowOption)
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText(
      'after',
      '\nExamples:\n  twinvault safe erase --vault /mnt/backup --safe home --job mail --confirm home\n  twinvault safe erase --vault /mnt/backup --safe home\n  twinvault safe erase --vault /mnt/backup --safe home --cancel 1a2b3c4d\n\n' +
        'A site takes orders with a token that has the verb operate. In a directory twinvault clean carries them out.',
    )
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/safe-erase.ts')).safeErase(context, options)),
    );
}

function addSuiteCommand(safe: Command, run: RunVerb): void {
  safe
    .command('suite')
    .summary('show or raise the cipher suite of new data')
    .description(
      `Shows which cipher suite new data is sealed with, or raises it: ${suitesHelp}. ` +
        'Raising it needs the password or the kit, holds for every computer of the safe from its next run on, and cannot be taken back. ' +
        'What is stored already stays as it is: it is readable, and nothing is sent again.',
    )
    .addArgument(new Argument('[number]', 'the new suite; without it the present one is shown').choices(['1', '2'] as const))
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safeOption())
    .addOption(passwordOption)
    .addOption(kitOption)
    .addOption(escrowOption)
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText('after', '\nExample:\n  twinvault safe suite 2 --vault /mnt/backup --safe home')
    .action((number, options) =>
      run(options.json === true, async (context) => (await import('./verbs/safe-suite.ts')).safeSuite(context, number, options)),
    );
}

function addReuseCommand(safe: Command, run: RunVerb): void {
  safe
    .command('reuse')
    .summary('show or choose whose stored data this computer uses again')
    .description(
      `Shows whose stored data this computer uses again in its backups into the safe, or chooses it: ${reuseHelp}. ` +
        'With "safe" (the default) little is sent and stored twice, and several computers rest on one stored copy; with "computer" what this computer needs was written by nobody else. ' +
        'The choice is kept on this computer and holds for all its jobs in this safe from the next backup on. It needs no password.',
    )
    .addArgument(new Argument('[scope]', 'the new choice; without it the present one is shown').choices(reuseChoices))
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safeOption())
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText('after', '\nExample:\n  twinvault safe reuse computer --vault /mnt/backup --safe home')
    .action((scope, options) =>
      run(options.json === true, async (context) => (await import('./verbs/safe-reuse.ts')).safeReuse(context, scope, options)),
    );
}

function addEscrowCommand(safe: Command, run: RunVerb): void {
  safe
    .command('escrow')
    .summary("show, add or remove a company's escrow key")
    .description(
      "Shows which escrow keys open the safe; with --add gives it one, with --remove takes all of them away. An escrow key belongs to a company that wants to get at its people's safes: " +
        'its private half opens the safe like the password does, and everybody who uses the safe is told of it. twinvault escrow makes such a key.',
    )
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safeOption())
    .addOption(new Option('--add <file>', 'the public escrow key that opens the safe from now on'))
    .addOption(new Option('--remove', 'no escrow key opens it any more'))
    .addOption(passwordOption)
    .addOption(kitOption)
    .addOption(escrowOption)
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText('after', '\nExample:\n  twinvault safe escrow --vault /mnt/backup --safe home --add company.pub')
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/safe-escrow.ts')).safeEscrow(context, options)),
    );
}

function addRekeyCommand(safe: Command, run: RunVerb): void {
  safe
    .command('rekey')
    .summary('copy everything into a new safe with new keys')
    .description(
      'Makes a new safe and copies every safeset of this one into it, sealed again under new keys, in their order, with their times, types, holds and locks. ' +
        'That is the way out when somebody may know the password, the kit or the keys: changing the password does not help against a copy of the old key slot. ' +
        'Nothing that the old safe holds changes; its ledger names the new one at the end. Its computers go on in the new one by themselves with their next backup, except those that were revoked: first revoke any whose keys somebody else may have. ' +
        'What was copied when it is broken off is kept: the same command goes on.',
    )
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(limitUploadOption)
    .addOption(limitDownloadOption)
    .addOption(safeOption())
    .addOption(new Option('--new-safe <name>', 'name of the new safe').makeOptionMandatory(true))
    .addOption(new Option('--new-vault <address>', 'the vault that the new safe is to lie in (default: the same)'))
    .addOption(
      new Option(
        '--new-token-file <file>',
        'the token file of the site that the new safe is to lie at, in the place of --new-vault',
      ),
    )
    .addOption(new Option('--new-kit-file <file>', "write the new safe's recovery kit to this new file; not needed to go on"))
    .addOption(new Option('--new-password-file <file>', 'read the password of the new safe from the first line of this file'))
    .addOption(languageOption)
    .addOption(new Option('--no-check', 'do not ask for two words of the kit'))
    .addOption(new Option('--no-computers', 'admit no other computer: each joins by safe enrol with the new password'))
    .addOption(passwordOption)
    .addOption(kitOption)
    .addOption(escrowOption)
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText(
      'after',
      '\nExample:\n  twinvault safe rekey --vault /mnt/backup --safe home --new-safe home-2 --new-kit-file kit-2.pdf\n\n' +
        'Everything is read, opened and sealed once; the vault needs room for a second copy until the old safe goes. The first backup of each computer into the new safe reads all files again and, ' +
        'since they are cut under a new key, sends most of what they hold again.',
    )
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/safe-rekey.ts')).safeRekey(context, options)),
    );
}
