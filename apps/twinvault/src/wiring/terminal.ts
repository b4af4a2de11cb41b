/** Questions on the terminal. Without a terminal a question is an error that says which option to use. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { concatBytes } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';

/** Asks without echo. */
export function askHidden(question: string): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new UsageError(
      'A password is needed and there is no terminal to ask on. Give --password-file FILE or --kit-file FILE.',
    );
  }
  process.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: silent, terminal: true });
  return new Promise((resolve, reject) => {
    let answered = false;
    reader.once('line', (line) => {
      answered = true;
      reader.close();
      process.stderr.write('\n');
      resolve(line);
    });
    reader.once('close', () => {
      if (!answered) reject(new UsageError('No password was given. Nothing was changed.'));
    });
  });
}

export function hasTerminal(): boolean {
  return process.stdin.isTTY;
}

/** One line that may be seen. Only with a terminal. */
export function askVisible(question: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = createInterface({ input: process.stdin, output: process.stderr, terminal: true });
    let answered = false;
    reader.once('close', () => {
      if (!answered) reject(new UsageError('No answer was given. Nothing was changed.'));
    });
    reader.question(question, (line) => {
      answered = true;
      reader.close();
      resolve(line);
    });
  });
}

/** Lines up to an empty one. Only with a terminal. */
export async function askLines(question: string): Promise<string> {
  process.stderr.write(`${question}\n`);
  const lines: string[] = [];
  for (;;) {
    const line = await askVisible('> ');
    if (line.trim() === '' && lines.length > 0) return lines.join('\n');
    if (line.trim() !== '') lines.push(line);
  }
}

/** All of standard input. */
export async function readStandardInput(bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of process.stdin as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > bytesMax) throw new UsageError('More comes from standard input than a password or kit can be.');
    parts.push(part);
  }
  return concatBytes(...parts);
}
