/* Runs the independent reader (tools/decoder) with Debian's Python, which has the libraries that it needs; another `python3` may stand before it on the path. */

import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const python = '/usr/bin/python3';

/** Why the decoder cannot run on this machine, or false: the `skip` of a test. */
export function decoderMissing(): string | false {
  const { status } = spawnSync(python, ['-c', 'import argon2, cryptography, zstandard']);
  if (status === 0) return false;
  return 'no Python with its libraries (Debian: apt-get install python3-argon2 python3-cryptography python3-zstandard)';
}

export interface ProgramAnswer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `program`: a file of tools/decoder. */
export async function runDecoder(program: string, words: readonly string[]): Promise<ProgramAnswer> {
  const path = fileURLToPath(new URL(`../../../tools/decoder/${program}`, import.meta.url));
  return new Promise((resolve) => {
    // -B: no compiled files beside the sources.
    const child = execFile(python, ['-B', path, ...words], { maxBuffer: 2 ** 28 }, (_, stdout, stderr) => {
      resolve({ status: child.exitCode ?? -1, stdout, stderr });
    });
  });
}
