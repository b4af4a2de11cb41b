/** The key of a site, and why it is known to be that. */
import type { SiteInfo } from '@twinvault/protocol';
import { ProtocolError } from '@twinvault/protocol';
import type { TokenFile } from '@twinvault/protocol/wire';

/** 'token': it signed the token that was handed out; 'connection': the site said so over a connection that the token file's pins, or authorities, vouch for; 'directory': it stands in the vault itself. */
export type KnownBy = 'token' | 'connection' | 'directory';

/** `token`: null of a vault in a directory. */
export async function knownBy({ site, publicKey }: SiteInfo, token: TokenFile | null): Promise<KnownBy> {
  if (token === null) return 'directory';
  const { verifyCapability } = await import('@twinvault/protocol/wire');
  try {
    await verifyCapability(token.capability, { site, issuers: [publicKey] });
    return 'token';
  } catch (error) {
    // Of a site that trusts other issuers too: the token is one of theirs.
    if (error instanceof ProtocolError && error.code === 'capability-invalid') return 'connection';
    throw error;
  }
}

export const knownByWords: Readonly<Record<KnownBy, string>> = {
  token: 'the key that signed your token for this site',
  connection: 'the key that the site named over the connection that your token file vouches for',
  directory: 'the key that stands in the vault itself',
};
