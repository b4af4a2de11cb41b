/** The twins of a site's configuration: each by the token file that it gave, which is read anew each time, since it is renewed while the site runs. */
import { ProtocolError, tokenFileBytesMax } from '@twinvault/protocol';
import type { TwinSource } from '@twinvault/protocol';
import { Bandwidth, namedSite, openTwinSource, parseTokenFile } from '@twinvault/protocol/wire';
import type { TokenFile } from '@twinvault/protocol/wire';
import { secondMs } from '@twinvault/std';
import type { Platform } from '@twinvault/std';
import { nodeNetwork, readSecretFile } from '@twinvault/std/node';
import { VaultError } from '@twinvault/vault';
import type { FollowedTwin, TwinConfig } from '@twinvault/vault/service';
import { UsageError } from '../errors/usage-error.ts';
import { parseBandwidth } from './bandwidth.ts';
import { trustOf } from './open-remote.ts';

/** A twin is asked again soon in any case. */
const retryMs: number = 5 * secondMs;

/** `secret-missing`, `secret-exposed`, `token-file-invalid`, `config-invalid`. */
export async function openTwins(platform: Platform, twins: readonly TwinConfig[]): Promise<FollowedTwin[]> {
  return Promise.all(twins.map((twin) => followedTwin(platform, twin)));
}

async function followedTwin(platform: Platform, { token: path, limitDownload = [] }: TwinConfig): Promise<FollowedTwin> {
  const { vault: address, capability } = await readToken(path);
  const { clock, timers, random } = platform;
  const windows = windowsOf(limitDownload.map(String));
  // One for all that is taken in from the twin.
  const pace = windows.length === 0 ? {} : { downloadPace: new Bandwidth({ clock, timers }, windows) };
  return {
    site: namedSite(capability),
    address,
    open: async (signal): Promise<TwinSource> => {
      const token = await readToken(path);
      const network = nodeNetwork(trustOf(token));
      try {
        return await openTwinSource({
          address: token.vault,
          capability: token.capability,
          ports: { network, clock, timers, random },
          signal,
          retryMs,
          onClose: () => network[Symbol.dispose](),
          ...pace,
        });
      } catch (error) {
        network[Symbol.dispose]();
        throw error;
      }
    },
  };
}

function windowsOf(texts: readonly string[]): ReturnType<typeof parseBandwidth> {
  try {
    return parseBandwidth(texts, 'limitDownload');
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const defect = 'has to be bytes per second, such as 500k, or for a part of the day 2M@08:00-18:00';
    throw new VaultError('config-invalid', { context: { key: 'twins.limitDownload', defect }, cause: error });
  }
}

async function readToken(path: string): Promise<TokenFile> {
  const file = await readSecretFile(path, tokenFileBytesMax);
  if (file.type === 'exposed') throw new VaultError('secret-exposed', { context: { localPath: path, mode: file.mode } });
  if (file.type !== 'secret') throw new VaultError('secret-missing', { context: { localPath: path } });
  try {
    return parseTokenFile(file.bytes);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new ProtocolError(error.code, { context: { ...error.context, localPath: path }, cause: error });
  }
}
