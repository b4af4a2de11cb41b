/** The verbs below `vault`: running a site that others send to. */
import type { Command } from '@commander-js/extra-typings';
import { InvalidArgumentError, Option } from '@commander-js/extra-typings';
import type { Verb } from '@twinvault/protocol/wire';
import { dayMs } from '@twinvault/std';
import { customerName, jsonOption, safeOption, tokenOption, vaultOption, wholeNumber } from './options.ts';
import type { RunVerb } from './options.ts';
import { addCertificate, addOperatorKey, addPromote, addVaultErase } from './program-operators.ts';

const configOption: Option<'--config <file>', undefined, undefined, undefined, true> = new Option(
  '--config <file>',
  'the configuration of the site: docs/operating/configuration.md',
).makeOptionMandatory(true);

export function addVaultCommands(program: Command, run: RunVerb): void {
  const vault: Command = program
    .command('vault')
    .summary('run a site that others send to over HTTPS')
    .description('Runs a site: a vault that others send to over HTTPS. It checks and keeps what it cannot read.')
    .helpGroup('A vault for others:');
  vault
    .command('run')
    .summary('serve a site until it is told to stop')
    .description(
      'Serves the site that the configuration describes, in the foreground, and writes its log to standard output, one JSON object a line. ' +
        'It stops in order on SIGTERM or Ctrl-C: requests under way end first.',
    )
    .addOption(configOption)
    .addOption(new Option('--until-input-ends', 'stop also when standard input ends: for a process that looks after this one'))
    .addHelpText(
      'after',
      '\nExample:\n  twinvault vault run --config /etc/twinvault/site.yaml\n\nA configuration to begin with:\n  address: https://backup.example:8443\n  state: /var/lib/twinvault\n  store: { directory: /srv/twinvault }',
    )
    .action((options) => run(false, async (context) => (await import('./verbs/vault-run.ts')).vaultRun(context, options)));
  addToken(vault, run);
  addSafes(vault, run);
  addAssign(vault, run);
  addUsage(vault, run);
  addTwins(vault, run);
  addOperatorKey(vault, run);
  addPromote(vault, run);
  addVaultErase(vault, run);
  addCertificate(vault, run);
}

export function addServe(program: Command, run: RunVerb): void {
  program
    .command('serve')
    .summary('begin a site here and now, without any configuration')
    .description(
      'Serves a vault to other computers over HTTPS and says what to do next. At the first start it makes the vault, a certificate and a token file; everything is kept in one folder, and the next start goes on there.\n\n' +
        'Computers that have the token file trust this certificate and no other. It runs until Ctrl-C; for a service of the system, or a store elsewhere, see twinvault vault run.',
    )
    .helpGroup('A vault for others:')
    .argument('[folder]', 'where everything is kept (default: /srv/twinvault for root, ~/.local/share/twinvault for others)')
    .addOption(new Option('--address <address>', 'what other computers call this one by').default('https://localhost:8443'))
    .addOption(new Option('--listen <ip>', 'listen at this address of the machine alone (default: all; loopback for localhost)'))
    .addOption(
      new Option('--sites <names>', 'names of the sites, with commas; two keep the same safes')
        .default(['a'], 'a')
        .argParser(siteNames),
    )
    .addOption(new Option('--certificate <file>', 'a certificate of your own, PEM'))
    .addOption(new Option('--key <file>', 'its key, PEM'))
    .addOption(
      new Option(
        '--acme [directory]',
        "have an authority issue the certificate, and renew it in time: Let's Encrypt, or that of this directory. You agree to its terms",
      ),
    )
    .addOption(
      new Option(
        '--acme-listen <ip:port>',
        'where the authority finds its proof; it asks at port 80 of the name (default: port 80, all addresses)',
      ),
    )
    .addOption(
      new Option(
        '--authorities <file>',
        'who vouches for the certificate, PEM, where the systems of clients do not know: goes into token files',
      ),
    )
    .addOption(jsonOption)
    .addHelpText(
      'after',
      '\nExamples:\n  twinvault serve\n  twinvault serve /mnt/disk/backup --address https://backup.example:8443\n  twinvault serve /mnt/disk/backup --address https://backup.example --acme\n  twinvault serve --sites a,b     # two sites, each of which has everything',
    )
    .action((folder, options) =>
      run(options.json === true, async (context) => (await import('./verbs/serve.ts')).serve(context, folder, options)),
    );
}

function siteNames(text: string): string[] {
  const names = [...new Set(text.split(','))];
  if (names.length > 8 || !names.every((name) => /^[a-z][a-z0-9-]{0,30}$/u.test(name))) {
    throw new InvalidArgumentError('Give up to 8 names of small letters and digits, with commas between them.');
  }
  return names;
}

function addSafes(vault: Command, run: RunVerb): void {
  vault
    .command('safes')
    .summary('list the safes of a site, and whose they are')
    .description(
      'Lists the safes of a site with the customer of each: whose share of the site it uses, and whom metering names. A safe is of the customer whose token made it, or of nobody but itself. ' +
        'A site tells this to operators alone (a token with the verb operate); the directory of a vault tells it to whoever may read it.',
    )
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(new Option('--customer <name>', 'only the safes of this customer'))
    .addOption(jsonOption)
    .addHelpText(
      'after',
      '\nExamples:\n  twinvault vault safes --token-file operator.token\n  twinvault vault safes --vault /srv/twinvault --customer "Ada & Co"',
    )
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/vault-safes.ts')).vaultSafes(context, options)),
    );
}

function addAssign(vault: Command, run: RunVerb): void {
  vault
    .command('assign')
    .summary('say which customer a safe belongs to')
    .description(
      'Says which customer a safe belongs to from now on. Metering names the new one from today; earlier days stay as they are. What a token says counts only when it makes the safe, so this is the only way to change it. ' +
        'It takes a token with the verb operate, or access to the directory; of two sites, the home of the safe takes it, and the other follows.',
    )
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(safeOption())
    .addOption(
      new Option('--customer <name>', 'the name or number of the customer').argParser(customerName).makeOptionMandatory(true),
    )
    .addOption(jsonOption)
    .addHelpText('after', '\nExample:\n  twinvault vault assign --token-file operator.token --safe home --customer "Ada & Co"')
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/vault-assign.ts')).vaultAssign(context, options)),
    );
}

function addUsage(vault: Command, run: RunVerb): void {
  vault
    .command('usage')
    .summary('show what each job of each safe uses at a site')
    .description(
      'Shows what a site has metered: of each job the protected amount (the uncompressed size of its newest safeset), the bytes that are stored for it, and its safesets, with the customer of each safe. ' +
        'A site measures each safe every six hours, and keeps a row for each day. It takes a token with the verb operate.',
    )
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(new Option('--day <date>', 'that day, as 2026-11-22, in UTC (default: the newest of each safe)').argParser(dayOf))
    .addOption(new Option('--customer <name>', 'only the safes of this customer'))
    .addOption(jsonOption)
    .addHelpText('after', '\nExample:\n  twinvault vault usage --token-file operator.token --customer "Ada & Co"')
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/vault-usage.ts')).vaultUsage(context, options)),
    );
}

/** Days since 1970. */
function dayOf(text: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}$/u.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  if (!(ms >= 0)) throw new InvalidArgumentError('It must be a date like 2026-11-22.');
  return ms / dayMs;
}

function addTwins(vault: Command, run: RunVerb): void {
  vault
    .command('twins')
    .summary('how far a site has taken in what its twin has')
    .description(
      'Shows of each safe that stands at two sites how far this site has taken in what the other has: what is behind and since when, when it last had everything, and what is in the way. ' +
        'It ends with 3 when a safe is behind for more than an hour, or something is in the way.',
    )
    .addOption(vaultOption())
    .addOption(tokenOption)
    .addOption(jsonOption)
    .addHelpText('after', '\nExample:\n  twinvault vault twins --token-file operator.token')
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/vault-twins.ts')).vaultTwins(context, options)),
    );
}

function addToken(vault: Command, run: RunVerb): void {
  vault
    .command('token')
    .summary('let a computer or a person use the site')
    .description(
      "Writes a token file: the site's address, the pin of its certificate and a capability signed with the site's key, in one file to hand over. Every verb takes it with --token-file, and needs no --vault then.\n\n" +
        'A token says what may be asked of the site, and opens nothing: what is stored stays sealed. It cannot be taken back one by one, so give it few days; refuseBefore in the configuration ends all that were made before.',
    )
    .addOption(configOption)
    .addOption(new Option('--token-file <file>', 'write the token to this new file').makeOptionMandatory(true))
    .addOption(new Option('--safe <id>', 'for this safe alone, by its id'))
    .addOption(new Option('--all-safes', 'for every safe of the site, and for new ones'))
    .addOption(
      new Option('--verbs <list>', 'what it is good for, with commas: create, read, write, operate, follow')
        .default(['write'] as readonly Verb[], 'write')
        .argParser(verbList),
    )
    .addOption(new Option('--computer <id>', 'it may write for this computer alone'))
    .addOption(
      new Option(
        '--customer <name>',
        'who the safes that it makes belong to; each safe is a customer of its own when left out',
      ).argParser(customerName),
    )
    .addOption(new Option('--days <n>', 'how long it is good').default(90).argParser(wholeNumber(1, 92)))
    .addOption(jsonOption)
    .addHelpText(
      'after',
      '\nVerbs:\n  create   make new safes\n  read     list and restore\n  write    back up, and all that read is good for\n  operate  clean, check, rebuild, metering: only with --all-safes\n  follow   for the other site of two, which copies all safes: only with --all-safes\n\n' +
        'Example:\n  twinvault vault token --config site.yaml --all-safes --verbs create,write --token-file new-customer.token',
    )
    .action((options) =>
      run(options.json === true, async (context) => (await import('./verbs/vault-token.ts')).vaultToken(context, options)),
    );
}

const verbNames: ReadonlySet<string> = new Set<Verb>(['create', 'read', 'write', 'operate', 'follow']);

function isVerb(name: string): name is Verb {
  return verbNames.has(name);
}

function verbList(text: string): readonly Verb[] {
  const names = [...new Set(text.split(','))];
  const verbs = names.filter(isVerb);
  if (verbs.length < names.length)
    throw new InvalidArgumentError('It takes create, read, write, operate and follow, with commas between them.');
  return verbs;
}
