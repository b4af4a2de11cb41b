/**
 * The one command. It reads argv and the environment, wires packages together and sets the exit code; whatever can be tested apart lives in
 * a package.
 */
import { version } from './version.ts';

/** `--version` alone is answered before anything is loaded. */
async function main(words: readonly string[]): Promise<void> {
  if (words.length === 1 && words[0] === '--version') {
    process.stdout.write(`twinvault ${version}\n`);
    return;
  }
  const { runCommand } = await import('./run.ts');
  process.exitCode = await runCommand(words);
}

void main(process.argv.slice(2));
