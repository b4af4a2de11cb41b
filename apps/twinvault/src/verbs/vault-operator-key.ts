/** `twinvault vault operator-key`: a new key of a person who runs a site. */
import { resolve } from 'node:path';
import { operatorNameBytesMax } from '@twinvault/protocol';
import { encodeOperatorKey, encodeOperatorPublicKey, operatorKeyOf, operatorShortForm } from '@twinvault/protocol/wire';
import { utf8Encode } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import type { VerbContext } from '../wiring/context.ts';
import { writeNewFile } from '../wiring/operator-files.ts';

export interface OperatorKeyOptions {
  readonly name: string;
  readonly keyFile: string;
  readonly publicFile: string;
}

export async function vaultOperatorKey(context: VerbContext, options: OperatorKeyOptions): Promise<void> {
  const { files, random } = context.platform;
  const name = options.name.replaceAll(/\p{Cc}/gu, ' ').trim();
  if (name === '' || utf8Encode(name).length > operatorNameBytesMax)
    throw new UsageError(`--name takes 1 to ${operatorNameBytesMax} bytes: whoever owns a safe reads it.`);
  if (resolve(options.keyFile) === resolve(options.publicFile))
    throw new UsageError('The private and the public key need a file each.');
  const key = operatorKeyOf(name, random.bytes(32));
  const keyFile = await writeNewFile(files, options.keyFile, { bytes: encodeOperatorKey(key), mode: 0o600 });
  let publicFile: string;
  try {
    publicFile = await writeNewFile(files, options.publicFile, { bytes: encodeOperatorPublicKey(key), mode: 0o644 });
  } catch (error) {
    await files.remove(keyFile);
    throw error;
  }
  const shortForm = operatorShortForm(key);
  context.output.result({ name, shortForm, keyFile, publicFile }, [
    `Operator key of "${name}" is made: ${shortForm}`,
    '',
    `  private  ${keyFile}`,
    `  public   ${publicFile}`,
    '',
    'Keep the private key where nobody but this person gets at it, and not on the site: what takes two people takes two such keys.',
    `Whoever opened a safe makes its owner an operator: twinvault safe operator --vault VAULT --safe NAME --add ${publicFile}`,
  ]);
}
