/** From `--vault https://…` and a token file to a site far away. What speaks over the network is loaded here and nowhere else. */
import { ProtocolError, tokenFileBytesMax } from '@twinvault/protocol';

import type { BandwidthWindow, RemoteVault, TokenFile } from '@twinvault/protocol/wire';
import type { Pace } from '@twinvault/std';
import { nodeNetwork } from '@twinvault/std/node';
import { UsageError } from '../errors/usage-error.ts';
import { parseBandwidth } from './bandwidth.ts';
import type { VerbContext } from './context.ts';

export interface VaultOptions {
  /** A directory, or the address of a site. */
  readonly vault: string;
  readonly tokenFile?: string | undefined;
  readonly limitUpload?: readonly string[] | undefined;
  readonly limitDownload?: readonly string[] | undefined;
}

export function isAddress(vault: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//iu.test(vault);
}

/** Dispose it to close its connections. */
export async function openRemote(context: VerbContext, options: VaultOptions): Promise<RemoteVault> {
  const address = siteAddress(options.vault);
  const token = await readToken(context, options);
  const { clock, timers, random } = context.platform;
  const network = nodeNetwork({ environment: process.env, ...(token.pins.length > 0 ? { pins: token.pins } : {}) });
  const { Bandwidth, openRemoteVault } = await import('@twinvault/protocol/wire');
  const pace = (windows: readonly BandwidthWindow[]): Pace | null =>
    windows.length === 0 ? null : new Bandwidth({ clock, timers }, windows);
  const uploadPace = pace(parseBandwidth(options.limitUpload ?? [], '--limit-upload'));
  const downloadPace = pace(parseBandwidth(options.limitDownload ?? [], '--limit-download'));
  try {
    return await openRemoteVault({
      address,
      capability: token.capability,
      ports: { network, clock, timers, random },
      signal: context.signal,
      onRetry: noteOnce(context),
      onClose: () => network[Symbol.dispose](),
      ...(uploadPace === null ? {} : { uploadPace }),
      ...(downloadPace === null ? {} : { downloadPace }),
    });
  } catch (error) {
    network[Symbol.dispose]();
    throw error;
  }
}

/** Without `/` at its end, as the protocol has it. */
function siteAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw new UsageError(`This is no web address: ${text}. One looks like https://backup.example:8443`);
  if (url.protocol !== 'https:') {
    throw new UsageError(
      `The address of a site begins with https://, and ${text} does not: what is sent there would not be encrypted on its way.`,
    );
  }
  if (url.username !== '' || url.search !== '' || url.hash !== '')
    throw new UsageError(`The address of a site has a host and a path and nothing else: who you are stands in the token file.`);
  return `${url.origin}${url.pathname}`.replace(/\/+$/u, '');
}

async function readToken(context: VerbContext, { vault, tokenFile }: VaultOptions): Promise<TokenFile> {
  if (tokenFile === undefined) {
    throw new UsageError(
      `To use ${vault} this computer needs a token file: whoever runs the site makes one with twinvault vault token. Give it by --token-file, or by TWINVAULT_TOKEN_FILE in the environment.`,
    );
  }
  const bytes = await context.platform.files.read(tokenFile, tokenFileBytesMax);
  if (bytes === null) throw new UsageError(`There is no token file ${tokenFile}.`, 'missing');
  const { parseTokenFile } = await import('@twinvault/protocol/wire');
  try {
    return parseTokenFile(bytes);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new ProtocolError(error.code, { context: { ...error.context, localPath: tokenFile } });
  }
}

/** Whoever looks on hears why nothing moves, once. */
function noteOnce({ output }: VerbContext): (code: string, pauseMs: number) => void {
  let noted = false;
  return (code) => {
    if (noted) return;
    noted = true;
    output.note(`The vault does not answer as it should (${code}): it is asked again for a while.`);
  };
}
