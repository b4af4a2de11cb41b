/** The verbs of operators: people who run sites, and act for safes two by two. */
import type { Command } from '@commander-js/extra-typings';
import { Option } from '@commander-js/extra-typings';
import type { RunVerb } from './options.ts';
import {
  collect,
  escrowOption,
  jsonOption,
  kitOption,
  passwordOption,
  safeOption,
  stateOption,
  tokenOption,
  vaultOption,
} from './options.ts';

const keyOption: Option<'--key-file <file>', undefined, undefined, undefined, true> = new Option(
  '--key-file <file>',
  'your private operator key',
).makeOptionMandatory(true);
const safesOption: Option<'--safe <name>', undefined, undefined, string[]> = new Option(
  '--safe <name>',
  "a safe's name or its id; may be repeated",
).argParser(collect);
const customerOption: Option<'--customer <name>'> = new Option('--customer <name>', 'every safe of this customer');

export function addOperator(safe: Command, run: RunVerb): void {
  safe
    .command('operator')
    .summary('show, add or remove the operators who may act for the safe')
    .description(
      'Shows the operators of the safe; with --add makes the owner of a key one, with --remove ends it. Operators are people who run the sites. Two of them together may make another site the home of the safe, and have it or parts of it erased; ' +
        'none of them can read it, and one alone can do neither. It is signed into the safe, so adding and removing needs the password or the kit.',
    )
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safeOption())
    .addOption(new Option('--add <file>', 'the public operator key, as twinvault vault operator-key wrote it'))
    .addOption(new Option('--remove <name>', 'the name or the short form of an operator, as shown'))
    .addOption(passwordOption)
    .addOption(kitOption)
    .addOption(escrowOption)
    .addOption(stateOption)
    .addOption(jsonOption)
    .addHelpText('after', '\nExample:\n  twinvault safe operator --vault /mnt/backup --safe home --add anna.pub')
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/safe-operator.ts')).safeOperator(context, options)),
    );
}

export function addOperatorKey(vault: Command, run: RunVerb): void {
  vault
    .command('operator-key')
    .summary('make a key pair of a person who runs sites')
    .description(
      'Makes the key pair of an operator: a person, not a machine. What could lose data takes the signatures of two operators, so two people keep a key each, apart from each other and from the site.',
    )
    .addOption(new Option('--name <name>', 'what people call the owner of the key').makeOptionMandatory(true))
    .addOption(new Option('--key-file <file>', 'write the private key to this new file').makeOptionMandatory(true))
    .addOption(
      new Option('--public-file <file>', 'write the public key to this new file, to be handed over').makeOptionMandatory(true),
    )
    .addOption(jsonOption)
    .addHelpText('after', '\nExample:\n  twinvault vault operator-key --name Anna --key-file anna.key --public-file anna.pub')
    .action((options) =>
      run(options.json === true, async (context) =>
        (await import('./verbs/vault-operator-key.ts')).vaultOperatorKey(context, options),
      ),
    );
}

export function addPromote(vault: Command, run: RunVerb): void {
  vault
    .command('promote')
    .summary('make this site the home of safes, by two operators')
    .description(
      'Makes the site at --vault the home of one safe or of all: home alone changes ledgers and key slots, and the other site deletes with its consent only. It takes two operators of the safe: the first signs a proposal with --propose, ' +
        'the second countersigns and submits it with --countersign. Backups and restores need no home, so there is no hurry.\n\n' +
        'What the former home appended to a ledger and this site never had does not count any more: look first how far this site followed.',
    )
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(keyOption)
    .addOption(new Option('--safe <name>', "the safe's name or its id"))
    .addOption(new Option('--all-safes', 'every safe of the site that you may propose it for'))
    .addOption(new Option('--propose <file>', 'first step: write the signed proposal to this new file'))
    .addOption(new Option('--countersign <file>', 'second step: countersign this proposal and submit it'))
    .addOption(jsonOption)
    .addHelpText(
      'after',
      '\nExample:\n  twinvault vault promote --token-file b.token --key-file anna.key --all-safes --propose move.json\n' +
        '  twinvault vault promote --token-file b.token --key-file ben.key --countersign move.json\n\n' +
        'The token needs the verb write for these safes.',
    )
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/vault-promote.ts')).vaultPromote(context, options)),
    );
}

export function addVaultErase(vault: Command, run: RunVerb): void {
  vault
    .command('erase')
    .summary('have safes, or jobs of them, erased for good, by two operators')
    .description(
      'Orders that safes, or jobs of them, are erased for good at every site that keeps them. It takes two operators of each safe: the first signs a proposal with --propose, the second sees what it is, countersigns and submits it with --countersign. ' +
        'Whoever opened a safe can order it alone: twinvault safe erase.\n\n' +
        'Each site waits first (72 hours, unless whoever runs it set another time), and until its twin has the order too: until then everything goes on as before, and two operators take the order back the same way, with --cancel. Then the key slots go, and everything else is overwritten where that means something, and removed. Nobody can bring it back.',
    )
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(keyOption)
    .addOption(new Option('--propose <file>', 'first step: write the signed proposal to this new file'))
    .addOption(new Option('--countersign <file>', 'second step: countersign this proposal and submit it'))
    .addOption(safesOption)
    .addOption(customerOption)
    .addOption(new Option('--whole', 'the whole safe, with its keys'))
    .addOption(
      new Option('--job <name>', 'this job, of every computer unless --computer says which; may be repeated').argParser(collect),
    )
    .addOption(new Option('--computer <name>', 'jobs of this computer, by its name or id; all of them without --job'))
    .addOption(new Option('--cancel <order>', 'take back the order whose id begins so; "all": every one that can be taken back'))
    .addOption(
      new Option(
        '--confirm <what>',
        'with --countersign: the name of the safe or customer once more, or how many safes ("3 safes"): what is erased does not come back',
      ),
    )
    .addOption(jsonOption)
    .addHelpText(
      'after',
      '\nExamples:\n  twinvault vault erase --token-file operator.token --key-file anna.key --safe home --whole --propose erase.json\n' +
        '  twinvault vault erase --token-file operator.token --key-file ben.key --countersign erase.json --confirm home\n' +
        '  twinvault vault erase --token-file operator.token --key-file anna.key --customer Ada --whole --propose erase.json\n' +
        '  twinvault vault erase --token-file a.token,b.token --key-file anna.key --safe home --cancel 1a2b3c4d --propose back.json\n\n' +
        'The token needs the verbs read and operate. An order goes to the home of the safe, and its twin takes it from there; one that is taken back is best told to both.\n' +
        'Ends with 3 when safes were left out; each is named with the reason, and the same call again goes on.',
    )
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/vault-erase.ts')).vaultErase(context, options)),
    );
}

export function addCertificate(vault: Command, run: RunVerb): void {
  vault
    .command('certificate')
    .summary('show and verify what sites signed about erase orders')
    .description(
      'Shows what became of the erase orders of safes at each site that is named, and the certificate that each site signed: what was overwritten and how, what was removed, what waits until when and why. ' +
        'Each certificate is verified: by the key of the site, which is the one that signed your token; where the token was signed by somebody else whom the site trusts, the one that the site names over the connection that the token file vouches for. It says which.\n\n' +
        'A site cannot prove more than that it said so. Compare the short form of the key with whoever runs the site.',
    )
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safesOption)
    .addOption(customerOption)
    .addOption(new Option('--order <id>', 'only the order whose id begins so'))
    .addOption(new Option('--out <file>', 'write the certificates as they were signed to this new file, a line of JSON each'))
    .addOption(jsonOption)
    .addHelpText(
      'after',
      '\nExample:\n  twinvault vault certificate --token-file a.token,b.token --safe home --out erased.jsonl\n\n' +
        'The token needs the verb read, with --customer operate too. Ends with 0 when every order is done or was taken back at every site named, with 3 while something waits or a site is away, ' +
        'with 11 when there is no order, and with 12 when a certificate is not what it should be.',
    )
    .action((options) =>
      run(options.json === true, async (context) =>
        (await import('./verbs/vault-certificate.ts')).vaultCertificate(context, options),
      ),
    );
}
