/** Runs one command line: parses it, calls the verb, turns what it throws into a sentence and an exit code. */
import { CommanderError } from 'commander';
import { nodePlatform } from '@twinvault/std/node';
import { explain } from './errors/explain.ts';
import type { ExitName } from './errors/exit-codes.ts';
import { exitCodes } from './errors/exit-codes.ts';
import { makeOutput } from './output/output.ts';
import { ProgressReporter } from './output/progress.ts';
import type { RunVerb } from './options.ts';
import { makeProgram } from './program.ts';

/** The first Ctrl-C asks for a clean end, the second takes Node's way: at once. */
function abortOnSignals(controller: AbortController): () => void {
  const abort = (): void => controller.abort(new Error('interrupted'));
  process.once('SIGINT', abort);
  process.once('SIGTERM', abort);
  return () => {
    process.off('SIGINT', abort);
    process.off('SIGTERM', abort);
  };
}

/** Who reads us has seen enough (`twinvault ls | head`, `twinvault help ls | head`): the verb stops, and nobody is told. */
class ClosedPipe extends Error {
  override readonly name = 'ClosedPipe';
}

function abortOnClosedPipe(controller: AbortController): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      controller.abort(new ClosedPipe());
    });
  }
}

export async function runCommand(words: readonly string[]): Promise<number> {
  let exit: ExitName = 'ok';
  const closedPipe = new AbortController();
  abortOnClosedPipe(closedPipe);
  const run: RunVerb = async (json, body) => {
    const platform = nodePlatform();
    const output = makeOutput({ out: process.stdout, error: process.stderr }, json);
    const progress = new ProgressReporter(output, platform.clock);
    const controller = new AbortController();
    const stopListening = abortOnSignals(controller);
    closedPipe.signal.addEventListener('abort', () => controller.abort(closedPipe.signal.reason), { once: true });
    try {
      await body({ platform, output, progress, signal: controller.signal, setExit: (name) => (exit = name) });
    } catch (error) {
      if (controller.signal.reason instanceof ClosedPipe) return;
      const told = explain(error, controller.signal.aborted);
      exit = told.exit;
      progress.finish();
      output.failure(
        {
          code: told.code,
          exitCode: exitCodes[told.exit],
          message: told.sentence,
          ...(told.advice === null ? {} : { advice: told.advice }),
        },
        [`twinvault: ${told.sentence}`, ...(told.advice === null ? [] : [told.advice]), ...told.details],
      );
    } finally {
      progress.finish();
      stopListening();
    }
  };
  const program = makeProgram(run);
  configureParsing(program);
  try {
    await program.parseAsync([...words], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
  return exitCodes[exit];
}

interface Configurable {
  readonly commands: readonly Configurable[];
  exitOverride(): unknown;
  configureHelp(help: { sortOptions: boolean; showGlobalOptions: boolean }): unknown;
}

function configureParsing(command: Configurable): void {
  command.exitOverride();
  command.configureHelp({ sortOptions: false, showGlobalOptions: false });
  for (const child of command.commands) configureParsing(child);
}
