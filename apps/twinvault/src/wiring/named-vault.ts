/** The vault of a command line that names none: each token file has the address of its site. */
import { clientSitesMax } from '@twinvault/protocol';
import { UsageError } from '../errors/usage-error.ts';
import type { VerbContext } from './context.ts';
import { readToken } from './open-remote.ts';

/** As --vault would say it. */
export async function vaultOfTokens(context: VerbContext, tokenFile: string | undefined): Promise<string> {
  if (tokenFile === undefined) {
    throw new UsageError(
      'Say which vault: --vault with a directory, or --token-file with the token of a site, in which its address stands.',
    );
  }
  const files = await filesOf(context, tokenFile);
  if (files.length > clientSitesMax)
    throw new UsageError(`A vault stands at ${clientSitesMax} sites at most, and --token-file names ${files.length} files.`);
  const addresses = await Promise.all(files.map(async (file) => (await readToken(context, file)).vault));
  const [first, second] = addresses;
  if (first === second) throw new UsageError(`Both token files are for ${first}: give one for each of the two sites.`);
  return addresses.join(',');
}

/** A comma may stand in the name of a file. */
async function filesOf({ platform }: VerbContext, tokenFile: string): Promise<string[]> {
  return tokenFile.includes(',') && (await platform.files.stat(tokenFile)) === null ? tokenFile.split(',') : [tokenFile];
}
