/** From `--vault https://…` and a token file to a site far away. What speaks over the network is loaded here and nowhere else. */
import { clientSitesMax, ProtocolError, tokenFileBytesMax } from '@twinvault/protocol';
import type { SitePlace } from '@twinvault/protocol';
import type { ExchangeOptions, RemoteVault, TokenFile } from '@twinvault/protocol/wire';
import type { Pace } from '@twinvault/std';
import { nodeNetwork } from '@twinvault/std/node';
import type { NodeNetworkOptions } from '@twinvault/std/node';
import { UsageError } from '../errors/usage-error.ts';
import { parseBandwidth } from './bandwidth.ts';
import type { VerbContext } from './context.ts';
import { tokenFilesOf } from './vault-places.ts';

export interface VaultOptions {
  /** A directory, or the address of a site; two of them with a comma between them. */
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
  const { vault, tokenFile } = options;
  const site = { address: siteAddress(vault), token: await readToken(context, vault, tokenFile) };
  return await connect(context, { site, ...(await pacesOf(context, options)) });
}

/** A place for each address, under the address as it was given. All token files are read now; no site is asked yet. */
export async function remotePlaces(
  context: VerbContext,
  options: VaultOptions & { readonly addresses: readonly string[] },
): Promise<ReadonlyMap<string, SitePlace>> {
  const { addresses, tokenFile } = options;
  const files = addresses.length === 0 ? [] : tokenFilesOf(tokenFile, clientSitesMax);
  const tokens = await Promise.all(files.map(async (file) => await readToken(context, addresses.join(' and '), file)));
  const paces = await pacesOf(context, options);
  const places = addresses.map((given, index): [string, SitePlace] => {
    const address = siteAddress(given);
    const token =
      tokens.find(({ vault }) => vault === address) ?? (tokens.length === addresses.length ? tokens[index] : undefined);
    if (token === undefined) throw tokenNeeded(given);
    const site = { address, token };
    return [
      given,
      {
        name: given,
        open: async ({ elsewhere, signal }) => {
          const ends = AbortSignal.any([context.signal, signal]);
          return await connect(context, { site, elsewhere, signal: ends, ...paces });
        },
        isReachable: async () => await answers(site),
      },
    ];
  });
  return new Map(places);
}

interface RemoteSite {
  readonly address: string;
  readonly token: TokenFile;
}

interface Connecting extends Pick<ExchangeOptions, 'elsewhere' | 'signal' | 'uploadPace' | 'downloadPace'> {
  readonly site: RemoteSite;
}

async function connect(context: VerbContext, { site, ...how }: Connecting): Promise<RemoteVault> {
  const { clock, timers, random } = context.platform;
  const network = networkTo(site);
  const { openRemoteVault } = await import('@twinvault/protocol/wire');
  try {
    return await openRemoteVault({
      address: site.address,
      capability: site.token.capability,
      ports: { network, clock, timers, random },
      signal: context.signal,
      onRetry: noteOnce(context, site.address),
      onClose: () => network[Symbol.dispose](),
      ...how,
    });
  } catch (error) {
    network[Symbol.dispose]();
    throw error;
  }
}

function networkTo({ token }: RemoteSite): ReturnType<typeof nodeNetwork> {
  return nodeNetwork({ environment: process.env, ...trustOf(token) });
}

/** Neither pins nor authorities: those of the system. */
function trustOf({ pins, authorities }: TokenFile): Pick<NodeNetworkOptions, 'pins' | 'authorities' | 'onlyTheseAuthorities'> {
  if (pins.length > 0) return { pins };
  return authorities === undefined ? {} : { authorities: [authorities], onlyTheseAuthorities: true };
}

/** What moves by all sites together keeps to one limit. */
async function pacesOf(
  { platform: { clock, timers } }: VerbContext,
  options: VaultOptions,
): Promise<{ readonly uploadPace?: Pace; readonly downloadPace?: Pace }> {
  const upload = parseBandwidth(options.limitUpload ?? [], '--limit-upload');
  const download = parseBandwidth(options.limitDownload ?? [], '--limit-download');
  const { Bandwidth } = await import('@twinvault/protocol/wire');
  return {
    ...(upload.length === 0 ? {} : { uploadPace: new Bandwidth({ clock, timers }, upload) }),
    ...(download.length === 0 ? {} : { downloadPace: new Bandwidth({ clock, timers }, download) }),
  };
}

/** How long a site may take to say that it is there. */
const probeMsMax = 5000;

async function answers(site: RemoteSite): Promise<boolean> {
  using network = networkTo(site);
  const request = { method: 'GET', url: `${site.address}/v1/site`, headers: {}, timeoutMs: probeMsMax };
  try {
    return (await network.request({ ...request, answerBytesMax: tokenFileBytesMax })).status === 200;
  } catch {
    return false;
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

function tokenNeeded(vault: string): UsageError {
  return new UsageError(
    `To use ${vault} this computer needs a token file: whoever runs the site makes one with twinvault vault token. Give it by --token-file, or by TWINVAULT_TOKEN_FILE in the environment; for two sites two, with a comma between them.`,
  );
}

async function readToken(context: VerbContext, vault: string, tokenFile: string | undefined): Promise<TokenFile> {
  if (tokenFile === undefined) throw tokenNeeded(vault);
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
function noteOnce({ output }: VerbContext, address: string): (code: string, pauseMs: number) => void {
  let noted = false;
  return (code) => {
    if (noted) return;
    noted = true;
    output.note(`${address} does not answer as it should (${code}): it is asked again for a while.`);
  };
}
