/*
 * The one command. It reads argv and the environment, wires packages together and sets the exit code; whatever can be
 * tested apart lives in a package.
 */

import { version } from './version.ts';

const usage = `Usage: twinvault VERB [OPTION]...

  --version   print the version
  --help      print this text
`;

function main(words: readonly string[]): void {
  const [verb] = words;
  if (verb === '--version') process.stdout.write(`twinvault ${version}\n`);
  else if (verb === undefined || verb === '--help') process.stdout.write(usage);
  else {
    process.stderr.write(`twinvault: there is no verb "${verb}". twinvault --help lists them.\n`);
    process.exitCode = 64;
  }
}

main(process.argv.slice(2));
