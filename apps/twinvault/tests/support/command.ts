/*
 * Runs the command as a user would: the launcher, as its own process. Whatever a test expects of it, this is held for
 * every run: it ends by itself, never with a stack trace or an unexplained failure, and with --json every line is JSON and
 * the last one, and only it, is a "result" or an "error" whose exit code is the process's.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const launcher: string = fileURLToPath(new URL('../../bin/twinvault', import.meta.url));

export type JsonLine = Readonly<Record<string, unknown>> & { readonly type: string };

export interface Outcome {
  readonly words: readonly string[];
  /** Null: ended by a signal. */
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** All output as text, for messages of failed assertions. */
  readonly told: string;
}

export interface CommandOptions {
  /** Runs as this user and group, in no other groups; needs root. */
  readonly user?: number;
  /** Milliseconds after which it counts as hanging; it is killed and the test fails. */
  readonly limitMs?: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** Instead of the repository's own. */
  readonly launcher?: string;
  /** Words before the command: what runs it somewhere else, like a network of the test's own. */
  readonly within?: readonly string[];
}

export interface RunningCommand {
  readonly child: ChildProcess;
  /** Ends when the process and its pipes have. Nothing is asserted about it. */
  readonly ended: Promise<Outcome>;
}

const limitMsDefault = 120_000;

/** Starts it and leaves it running. The tests' own home and state stay untouched whatever options a test forgets. */
export function start(words: readonly string[], options: CommandOptions = {}): RunningCommand {
  const command = options.launcher ?? launcher;
  const drop = ['--reuid', String(options.user), '--regid', String(options.user), '--clear-groups', command];
  const as = options.user === undefined ? [command, ...words] : ['setpriv', ...drop, ...words];
  const [file = command, ...given] = [...(options.within ?? []), ...as];
  const home = join(tmpdir(), 'twinvault-e2e-home');
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    XDG_STATE_HOME: join(home, 'state'),
    NODE_COMPILE_CACHE: join(tmpdir(), `twinvault-e2e-code-${options.user ?? process.getuid?.() ?? 0}`),
    ...options.environment,
  };
  const child = spawn(file, given, { env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
  const out: Buffer[] = [];
  const error: Buffer[] = [];
  child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => error.push(bytes));
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => {
      const stdout = Buffer.concat(out);
      const stderr = Buffer.concat(error).toString();
      const shown = stdout.length > 20_000 ? `... ${stdout.subarray(-20_000).toString()}` : stdout.toString();
      resolve({ words, status, stdout, stderr, told: `twinvault ${words.join(' ')}\nended with ${status}\n${shown}\n${stderr}` });
    });
  });
  return { child, ended };
}

/** Runs it to its end. */
export async function twinvault(words: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  const { child, ended } = start(words, options);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, options.limitMs ?? limitMsDefault);
  const outcome = await ended.finally(() => clearTimeout(timer));
  assert.ok(!late, `it hangs: ${outcome.told}`);
  assertHonest(outcome);
  return outcome;
}

/** What holds for every run that ended by itself. */
export function assertHonest(outcome: Outcome): void {
  assert.notEqual(outcome.status, null, `it was ended by a signal: ${outcome.told}`);
  assert.doesNotMatch(
    outcome.told,
    /should not happen|^\s+at \S+ \(|Error: |UnhandledPromise/mu,
    'a failure without an explanation',
  );
  assert.notEqual(outcome.status, 1, outcome.told);
  if (outcome.words.includes('--json') && outcome.stdout.length > 0) lastLine(outcome);
}

/** All lines of --json. */
export function jsonLines({ stdout, told }: Outcome): JsonLine[] {
  const text = stdout.toString();
  assert.ok(text.endsWith('\n'), `the last line has no end: ${told}`);
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => {
      const value: unknown = JSON.parse(line);
      assert.ok(typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string', line);
      return value as JsonLine;
    });
}

function lastLine(outcome: Outcome): JsonLine {
  const lines = jsonLines(outcome);
  const ends = lines.filter(({ type }) => type === 'result' || type === 'error');
  assert.equal(ends.length, 1, `one result or error: ${outcome.told}`);
  const last = lines.at(-1);
  assert.ok(last !== undefined && last === ends[0], `the result or error comes last: ${outcome.told}`);
  if (last.type === 'error') assert.equal(last['exitCode'], outcome.status, outcome.told);
  return last;
}

export function expectExit(outcome: Outcome, status: number): Outcome {
  assert.equal(outcome.status, status, outcome.told);
  return outcome;
}

/** The result line of a --json run that ended with this code (0 unless given). */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names what the documented line holds
export function resultOf<T = Readonly<Record<string, unknown>>>(outcome: Outcome, status = 0): T {
  expectExit(outcome, status);
  const line = lastLine(outcome);
  assert.equal(line.type, 'result', outcome.told);
  return line as T;
}

export interface ErrorLine {
  readonly code: string;
  readonly message: string;
  readonly advice?: string;
}

/** The error line of a --json run that ended with this code: one clear sentence, no code and no path of ours in it. */
export function errorOf(outcome: Outcome, status: number): ErrorLine {
  expectExit(outcome, status);
  const line = lastLine(outcome);
  assert.equal(line.type, 'error', outcome.told);
  const { code, message, advice } = line as unknown as ErrorLine;
  assert.match(message, /^\P{Ll}.{10,400}[.?/\w]$/su, `a sentence: ${outcome.told}`);
  assert.match(code, /^[a-z-]+$/u);
  return { code, message, ...(advice === undefined ? {} : { advice }) };
}
