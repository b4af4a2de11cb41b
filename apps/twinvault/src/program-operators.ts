/** The verbs of operators: people who run sites, and act for safes two by two. */
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
  tokenOption,
  vaultOption,
} from './options.ts';

export function addOperator(safe: Command, run: RunVerb): void {
  safe
    .command('operator')
    .summary('show, add or remove the operators who may act for the safe')
    .description(
      'Shows the operators of the safe; with --add makes the owner of a key one, with --remove ends it. Operators are people who run the sites. Two of them together may make another site the home of the safe; ' +
        'none of them can read it, and one alone can do nothing. It is signed into the safe, so adding and removing needs the password or the kit.',
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
    .addOption(new Option('--key-file <file>', 'your private operator key').makeOptionMandatory(true))
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
