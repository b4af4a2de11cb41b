/** `twinvault escrow`: a new key pair that can open other people's safes, if they are given its public half. */
import { resolve } from 'node:path';
import {
  escrowNameCharactersMax,
  escrowPrivateText,
  escrowPublicKey,
  escrowPublicText,
  escrowShortForm,
  newEscrowSeed,
} from '@twinvault/seal';
import { utf8Encode } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import type { VerbContext } from '../wiring/context.ts';

export interface EscrowOptions {
  readonly name: string;
  readonly keyFile: string;
  readonly publicFile: string;
}

export async function escrow(context: VerbContext, options: EscrowOptions): Promise<void> {
  const { files, random } = context.platform;
  const name = options.name.replaceAll(/\p{Cc}/gu, ' ').trim();
  if (name === '' || name.length > escrowNameCharactersMax) {
    throw new UsageError(
      `--name takes 1 to ${escrowNameCharactersMax} characters: everybody who uses a safe with this key reads it.`,
    );
  }
  const [keyFile, publicFile] = [resolve(options.keyFile), resolve(options.publicFile)];
  if (keyFile === publicFile) throw new UsageError('The private and the public key need a file each.');
  const seed = newEscrowSeed(random);
  const publicKey = escrowPublicKey(name, seed);
  if (!(await files.create(keyFile, [utf8Encode(escrowPrivateText({ name, seed }))], { mode: 0o600 }))) throw exists(keyFile);
  if (!(await files.create(publicFile, [utf8Encode(escrowPublicText(publicKey))], { mode: 0o644 }))) {
    await files.remove(keyFile);
    throw exists(publicFile);
  }
  const shortForm = escrowShortForm(publicKey);
  context.output.result({ name, shortForm, keyFile, publicFile }, [
    `Escrow key of "${name}" is made: ${shortForm}`,
    '',
    `  private  ${keyFile}`,
    `  public   ${publicFile}`,
    '',
    'Move the private key to a medium that is locked away; it opens every safe that is given the public one.',
    `A safe is given it by: twinvault safe escrow --vault VAULT --safe NAME --add ${publicFile}`,
    'Everybody who uses that safe is told so.',
  ]);
}

function exists(path: string): UsageError {
  return new UsageError(`${path} exists already. Name new files: an existing one is never overwritten.`);
}
