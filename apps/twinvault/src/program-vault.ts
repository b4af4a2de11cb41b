/** The verbs below `vault`: running a site that others send to. */
import type { Command } from '@commander-js/extra-typings';
import { Option } from '@commander-js/extra-typings';
import type { RunVerb } from './options.ts';

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
    .addHelpText(
      'after',
      '\nExample:\n  twinvault vault run --config /etc/twinvault/site.yaml\n\nA configuration to begin with:\n  address: https://backup.example:8443\n  state: /var/lib/twinvault\n  store: { directory: /srv/twinvault }',
    )
    .action((options) => run(false, async (context) => (await import('./verbs/vault-run.ts')).vaultRun(context, options)));
}
