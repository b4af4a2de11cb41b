/** From `--vault https://…` and a token file to a site far away. What speaks over the network is loaded here and nowhere else. */
import { ProtocolError, tokenFileBytesMax } from '@twinvault/protocol';
import type { SitePlace } from '@twinvault/protocol';
import type { ExchangeOptions, RemoteVault, TokenFile } from '@twinvault/protocol/wire';
import { nodeNetwork } from '@twinvault/std/node';
import type { NodeNetworkOptions } from '@twinvault/std/node';
import { UsageError } from '../errors/usage-error.ts';
import { parseBandwidth } from './bandwidth.ts';
import type { VerbContext } from './context.ts';
import { placesOf, tokenFilesOf } from './vault-places.ts';

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
  const site = await remoteSite(context, options);
  return await connect(context, { site, ...(await pacesOf(context, options)) });
}

/**
 * What was given for several sites, as if each had been named alone: of the token files each gets the one that names it. Token files are read; no site is
 * asked.
 */
export async function optionsOfEach<T extends VaultOptions>(context: VerbContext, options: T): Promise<T[]> {
  const names = placesOf(options.vault);
  const addresses = names.filter(isAddress);
  const files = tokenFilesOf(options.tokenFile, names.length);
  if (addresses.length > 0 && files.length === 0) throw tokenNeeded(addresses.join(' and '));
  const tokens = await Promise.all(
    (addresses.length === 0 ? [] : files).map(async (tokenFile) => ({ tokenFile, token: await readToken(context, tokenFile) })),
  );
  return names.map((vault) => {
    if (!isAddress(vault)) return { ...options, vault, tokenFile: undefined };
    const address = siteAddress(vault);
    const found = tokens.find(({ token }) => token.vault === address);
    if (found === undefined) throw tokens.length < addresses.length ? tokenNeeded(vault) : otherSite(address, tokens);
    return { ...options, vault, tokenFile: found.tokenFile };
  });
}

/** The site at an address, as one of several. Its token file is read; it is not asked. */
export async function remotePlace(context: VerbContext, options: VaultOptions, paces: Paces): Promise<SitePlace> {
  const site = await remoteSite(context, options);
  return {
    name: options.vault,
    open: async ({ elsewhere, signal }) => {
      const ends = AbortSignal.any([context.signal, signal]);
      return await connect(context, { site, elsewhere, signal: ends, ...paces });
    },
    isReachable: async () => await answers(site),
  };
}

export type Paces = Pick<ExchangeOptions, 'uploadPace' | 'downloadPace'>;

interface RemoteSite {
  readonly address: string;
  readonly token: TokenFile;
  readonly tokenFile: string;
}

/** A token is good at one site: what --vault says has to be that. */
async function remoteSite(context: VerbContext, { vault, tokenFile }: VaultOptions): Promise<RemoteSite> {
  const address = siteAddress(vault);
  if (tokenFile === undefined) throw tokenNeeded(vault);
  const token = await readToken(context, tokenFile);
  if (token.vault !== address) throw otherSite(address, [{ token, tokenFile }]);
  return { address, token, tokenFile };
}

function otherSite(address: string, tokens: readonly Pick<RemoteSite, 'token' | 'tokenFile'>[]): UsageError {
  const are = tokens.map(({ token, tokenFile }) => `${tokenFile} is a token for ${token.vault}`).join(', and ');
  return new UsageError(
    `${are}, and --vault (or TWINVAULT_VAULT) says ${address}. Leave --vault out to use the site of the token, or give the token file of the site that you mean.`,
  );
}

interface Connecting extends Paces, Pick<ExchangeOptions, 'elsewhere' | 'signal'> {
  readonly site: RemoteSite;
}

async function connect(context: VerbContext, { site, ...how }: Connecting): Promise<RemoteVault> {
  const { clock, timers, random } = context.platform;
  const network = networkTo(site);
  const note = noteOnce(context, site.address);
  let isOpen = true;
  const { openRemoteVault } = await import('@twinvault/protocol/wire');
  try {
    return await openRemoteVault({
      address: site.address,
      capability: site.token.capability,
      nextCapability: async () => await capabilityNow(context, site),
      ports: { network, clock, timers, random },
      signal: context.signal,
      // What was still under way when a verb ended is nobody's concern any more, and the verb has had its last word.
      onRetry: (code, pauseMs) => {
        if (isOpen) note(code, pauseMs);
      },
      onClose: () => {
        isOpen = false;
        network[Symbol.dispose]();
      },
      ...how,
    });
  } catch (error) {
    network[Symbol.dispose]();
    throw error;
  }
}

/** What stands in the token file by now: a run that outlives its token goes on with the one that took its place. */
async function capabilityNow(context: VerbContext, { token, tokenFile }: RemoteSite): Promise<string | null> {
  try {
    const { vault, capability } = await readToken(context, tokenFile);
    return vault === token.vault ? capability : null;
  } catch {
    // A file that is gone or half written is no answer: what the site said stands.
    return null;
  }
}

function networkTo({ token }: RemoteSite): ReturnType<typeof nodeNetwork> {
  return nodeNetwork({ environment: process.env, ...trustOf(token) });
}

/** Neither pins nor authorities: those of the system. */
export function trustOf({
  pins,
  authorities,
}: TokenFile): Pick<NodeNetworkOptions, 'pins' | 'authorities' | 'onlyTheseAuthorities'> {
  if (pins.length > 0) return { pins };
  return authorities === undefined ? {} : { authorities: [authorities], onlyTheseAuthorities: true };
}

/** What moves by all sites together keeps to one limit. */
export async function pacesOf({ platform: { clock, timers } }: VerbContext, options: VaultOptions): Promise<Paces> {
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

/** `missing`, `token-file-invalid`. */
export async function readToken(context: VerbContext, tokenFile: string): Promise<TokenFile> {
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
