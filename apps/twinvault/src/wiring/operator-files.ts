/** Files of operators: their keys, and what one of them proposes to another. */
import { resolve } from 'node:path';
import { operatorFileBytesMax, ProtocolError, proposalFileBytesMax } from '@twinvault/protocol';
import { parseOperatorKey, parseOperatorPublicKey, parseProposal } from '@twinvault/protocol/wire';
import type { OperatorKey, OperatorPublicKey, Proposal } from '@twinvault/protocol/wire';
import type { Files } from '@twinvault/std';
import { readSecretFile } from '@twinvault/std/node';
import { VaultError } from '@twinvault/vault';
import { UsageError } from '../errors/usage-error.ts';
import { isAddress } from './open-remote.ts';

/** A private key that others cannot read: `secret-exposed`, `operator-key-invalid`. */
export async function readOperatorKey(path: string): Promise<OperatorKey> {
  const localPath = resolve(path);
  const file = await readSecretFile(localPath, operatorFileBytesMax);
  if (file.type === 'exposed') throw new VaultError('secret-exposed', { context: { localPath, mode: file.mode } });
  if (file.type === 'missing') throw missing(localPath, 'operator key');
  return named(localPath, () => parseOperatorKey(file.bytes));
}

/** `operator-key-invalid`. */
export async function readOperatorPublicKey(files: Files, path: string): Promise<OperatorPublicKey> {
  const localPath = resolve(path);
  const bytes = await files.read(localPath, operatorFileBytesMax);
  if (bytes === null) throw missing(localPath, 'public operator key');
  return named(localPath, () => parseOperatorPublicKey(bytes));
}

/** `proposal-invalid`. */
export async function readProposal(files: Files, path: string): Promise<Proposal> {
  const localPath = resolve(path);
  const bytes = await files.read(localPath, proposalFileBytesMax);
  if (bytes === null) throw missing(localPath, 'proposal');
  return named(localPath, () => parseProposal(bytes));
}

/** How whoever is the second names the same vault: with a token of their own. */
export function placeWords(vault: string): string {
  return isAddress(vault) ? '--token-file THEIR.token' : `--vault ${vault}`;
}

/** An existing file is never overwritten. */
export async function writeNewFile(
  files: Files,
  path: string,
  { bytes, mode }: { bytes: Uint8Array; mode: number },
): Promise<string> {
  const localPath = resolve(path);
  if (!(await files.create(localPath, [bytes], { mode })))
    throw new UsageError(`${localPath} exists already. Name a new file: an existing one is never overwritten.`);
  return localPath;
}

function missing(path: string, what: string): UsageError {
  return new UsageError(`There is no ${what} ${path}.`, 'missing');
}

function named<T>(localPath: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new ProtocolError(error.code, { context: { ...error.context, localPath } });
  }
}
