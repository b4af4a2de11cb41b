/**
 * `twinvault serve`: a site for whoever has no configuration yet. One address, a certificate made at the first start, each site a process of its own below
 * a path of its own, everything in one folder.
 */
import { homedir } from 'node:os';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ProtocolError } from '@twinvault/protocol';
import { mediaTypes, problemOf } from '@twinvault/protocol/wire';
import { CodedError, hourMs, StdError } from '@twinvault/std';
import type { Platform } from '@twinvault/std';
import { nodeNetwork, startFront } from '@twinvault/std/node';
import type { FrontServer } from '@twinvault/std/node';
import { createDirectoryVault, directoryParts, openDirectoryVault, VaultError } from '@twinvault/vault';
import { parseConfigFile, siteConfig, tlsSuites } from '@twinvault/vault/service';
import type { CertificateConfig } from '@twinvault/vault/service';
import { explain } from '../errors/explain.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { Output } from '../output/output.ts';
import { CertificateKeeper } from '../wiring/certificate-keeper.ts';
import type { CertificateEvent } from '../wiring/certificate-keeper.ts';
import type { VerbContext } from '../wiring/context.ts';
import { dataDirectory } from '../wiring/data-directory.ts';
import { ServedSite, servedPlace, writeConfig } from '../wiring/served-site.ts';
import type { ServedPlace } from '../wiring/served-site.ts';
import type { CertifiedSite, SiteCertificate, SiteTrust } from '../wiring/site-certificate.ts';
import { makeToken } from '../wiring/site-token.ts';

export interface ServeOptions {
  readonly address: string;
  readonly listen?: string;
  readonly sites: readonly string[];
  readonly certificate?: string;
  readonly key?: string;
  /** True: of Let's Encrypt. */
  readonly acme?: string | true;
  readonly acmeListen?: string;
  readonly authorities?: string;
}

const launcher = fileURLToPath(new URL('../../bin/twinvault', import.meta.url));
const readyMsMax: number = 60_000;
const lookAgainMs = 100;
const tokenDays = 90;
/** A token is made anew long before it ends. */
const tokenMs: number = 24 * hourMs;

export async function serve(context: VerbContext, folder: string | undefined, options: ServeOptions): Promise<void> {
  const { platform, output, signal } = context;
  const data = dataDirectory(folder);
  const origin = originOf(options.address);
  const places = options.sites.map((name) => servedPlace(data, name, origin));
  await platform.files.makeDirectory(data, { mode: 0o700 });
  const wish = certificateConfig(options);
  const site = certifiedSite({ data, origin, wish });
  await using keeper = await CertificateKeeper.open({ platform, site, heard: (event) => noteCertificate(output, event) });
  const made = { chain: `${data}/tls.crt`, key: `${data}/tls.key` };
  for (const place of places) {
    const twins = twinsOf(place, places).map(({ name }) => followFile(name));
    await writeConfig(platform, place, { certificate: wish ?? made, twins });
  }
  await using front = await listen(places, keeper.current, { origin, ...options });
  const at = { port: front.port, ...(options.listen === undefined ? {} : { listen: options.listen }) };
  const following = (): Promise<void> => writeFollowTokens(platform, places, { pin: keeper.current.pin, ...at });
  await following();
  keeper.start((next) => {
    front.useCertificate(next);
    void following().catch(() => undefined);
  });
  await using stack = new AsyncDisposableStack();
  for (const place of places) {
    const command = [launcher, 'vault', 'run', '--config', place.config, '--until-input-ends'];
    stack.use(new ServedSite({ place, platform, command, heard: (line) => output.note(line) }));
  }
  for (const place of places) await untilReady(context, { place, pin: keeper.current.pin, front });
  const tokens = (): Promise<void> => writeTokens(platform, places, keeper.current);
  await tokens();
  const renew = (): Promise<void> => Promise.all([tokens(), following()]).then(() => undefined);
  const timer = platform.timers.every(tokenMs, () => void renew().catch(() => undefined));
  stack.defer(() => timer.cancel());
  sayWhere(context, data, places);
  await new Promise<void>((done) => {
    if (signal.aborted) done();
    signal.addEventListener('abort', () => done(), { once: true });
  });
  output.result({ stopped: true }, []);
}

/** Two lines: where it is, and what to do next. */
function sayWhere({ output }: VerbContext, data: string, places: readonly ServedPlace[]): void {
  const [first] = places;
  if (first === undefined) return;
  const addresses = places.map(({ address }) => address);
  const tokenFile = tokenPath(first);
  const next = `twinvault init --token-file ${shown(tokenFile)} --safe home --kit-file kit.pdf`;
  output.item(
    { event: 'serving', addresses, tokenFile, data },
    `Twinvault serves ${addresses.join(' and ')} and keeps everything in ${shown(data)}.`,
  );
  output.text(`Next, in another terminal: ${next}`);
}

/** As one types it in a shell. */
function shown(path: string): string {
  const below = relative(homedir(), path);
  const short = below.startsWith('..') || below === '' ? path : `~/${below}`;
  return /^[\w~/.@%+=:,-]+$/u.test(short) ? short : `'${path}'`;
}

function originOf(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url?.protocol !== 'https:' || url.pathname !== '/' || url.search !== '') {
    throw new UsageError(
      `--address takes an https:// address without a path, like https://backup.example:8443, and not ${address}`,
    );
  }
  return url.origin;
}

/** As a configuration file would say it; undefined: made here. */
function certificateConfig(options: ServeOptions): CertificateConfig | undefined {
  const { certificate: chain, key, acme, acmeListen: challenges } = options;
  if ((chain === undefined) !== (key === undefined)) throw new UsageError('--certificate and --key go together.');
  if (chain !== undefined && acme !== undefined) throw new UsageError('Give either --certificate and --key, or --acme.');
  if (challenges !== undefined && acme === undefined) throw new UsageError('--acme-listen goes with --acme.');
  const authorities = options.authorities === undefined ? {} : { authorities: resolve(options.authorities) };
  if (chain !== undefined && key !== undefined) return { chain: resolve(chain), key: resolve(key), ...authorities };
  if (acme === undefined) {
    if (options.authorities !== undefined) throw new UsageError('--authorities goes with --certificate or --acme.');
    return undefined;
  }
  const directory = acme === true ? {} : { directory: acme };
  return { acme: { terms: 'agreed', ...directory, ...(challenges === undefined ? {} : { challenges }) }, ...authorities };
}

interface Certified {
  readonly data: string;
  readonly origin: string;
  readonly wish: CertificateConfig | undefined;
}

/** By the way of a configuration file, so that both have one meaning. */
function certifiedSite({ data, origin, wish }: Certified): CertifiedSite {
  const file = { address: origin, state: data, store: { directory: data }, ...(wish === undefined ? {} : { certificate: wish }) };
  try {
    const { certificate, host, state } = siteConfig(parseConfigFile(JSON.stringify(file)), resolve);
    return { certificate, host, state };
  } catch (error) {
    if (!(error instanceof VaultError) || error.code !== 'config-invalid') throw error;
    const { key, defect } = error.context;
    throw new UsageError(`${optionsByKey[String(key)] ?? String(key)} ${String(defect)}.`);
  }
}

const optionsByKey: Readonly<Record<string, string>> = {
  address: '--address',
  'certificate.acme.directory': '--acme',
  'certificate.acme.challenges': '--acme-listen',
};

function noteCertificate(output: Output, event: CertificateEvent): void {
  if (event.type === 'renewed') {
    output.note(`A new certificate is in use, until ${new Date(event.toMs).toISOString().slice(0, 10)}.`);
    return;
  }
  const sentence = event.type === 'waits' ? 'The last orders failed.' : explain(event.error, false).sentence;
  const again = new Date(event.againMs).toISOString().slice(0, 16).replace('T', ' ');
  output.note(`There is no new certificate. ${sentence} It is tried again at ${again} UTC.`);
}

/** At a loopback address alone where clients call it so; at all addresses otherwise. */
async function listen(
  places: readonly ServedPlace[],
  { chain, key }: SiteCertificate,
  { origin, listen: host }: { readonly origin: string; readonly listen?: string },
): Promise<FrontServer> {
  const url = new URL(origin);
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  const at = { host: host ?? (isLocal ? '127.0.0.1' : '::'), port: url.port === '' ? 443 : Number(url.port) };
  const routes = Object.fromEntries(places.map(({ name, socket }) => [name, socket]));
  const said = (code: 'vault-busy' | 'route-unknown'): { body: string; type: string } => ({
    body: JSON.stringify(problemOf(new ProtocolError(code))),
    type: mediaTypes.problem,
  });
  try {
    return await startFront({
      chain,
      key,
      suites: tlsSuites,
      ...at,
      routes,
      away: said('vault-busy'),
      unknown: said('route-unknown'),
    });
  } catch (error) {
    if (!(error instanceof StdError)) throw error;
    throw new VaultError('listen-failed', { context: { ...at, ...error.context }, cause: error });
  }
}

interface Starting {
  readonly place: ServedPlace;
  readonly pin: string;
  readonly front: FrontServer;
}

/** Through the front, as a client would see it. `vault-busy` when it does not come up. */
async function untilReady({ platform, signal }: VerbContext, { place, pin, front }: Starting): Promise<void> {
  using network = nodeNetwork({ pins: [pin] });
  const startedMs = platform.clock.monotonicMs();
  const request = { method: 'GET', url: `https://localhost:${front.port}/${place.name}/v1/site`, headers: {}, timeoutMs: 10_000 };
  while (platform.clock.monotonicMs() - startedMs < readyMsMax) {
    signal.throwIfAborted();
    try {
      const { status } = await network.request({ ...request, answerBytesMax: 1024 * 1024, signal });
      if (status === 200) return;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
    }
    await platform.timers.sleep(lookAgainMs, signal);
  }
  throw new VaultError('site-silent', { context: { localPath: place.config } });
}

function tokenPath({ folder }: ServedPlace): string {
  return `${folder}/token`;
}

/** The owner's own: everything is his. */
async function writeTokens(platform: Platform, places: readonly ServedPlace[], { pins, authorities }: SiteTrust): Promise<void> {
  const trust = { pins, ...(authorities === undefined ? {} : { authorities }) };
  for (const place of places) {
    const options = { path: place.vault, platform };
    await using vault = await openDirectoryVault(options);
    const at = { site: await vault.site(), key: directoryParts(options).key, address: place.address, trust };
    const { bytes } = await makeToken(platform, at, {
      safe: '*',
      verbs: ['create', 'read', 'write', 'operate'],
      days: tokenDays,
    });
    await platform.files.replace(tokenPath(place), [bytes], { mode: 0o600 });
  }
}

/** Two sites keep the same safes; three or more are several sites that know nothing of each other. */
function twinsOf(place: ServedPlace, places: readonly ServedPlace[]): readonly ServedPlace[] {
  return places.length === 2 ? places.filter(({ name }) => name !== place.name) : [];
}

/** In the folder of the site that follows: what the one of this name gave it. */
function followFile(name: string): string {
  return `${name}.token`;
}

interface Followed {
  readonly pin: string;
  readonly port: number;
  readonly listen?: string;
}

/** Each site may follow the other: through the front, on this machine. The vaults are made here, since a token names the site. */
async function writeFollowTokens(
  platform: Platform,
  places: readonly ServedPlace[],
  { pin, port, listen: host = 'localhost' }: Followed,
): Promise<void> {
  for (const place of places) {
    const followers = twinsOf(place, places);
    if (followers.length === 0) continue;
    const options = { path: place.vault, platform };
    await using vault = await createDirectoryVault(options);
    const address = `https://${host.includes(':') ? `[${host}]` : host}:${port}/${place.name}`;
    const at = { site: await vault.site(), key: directoryParts(options).key, address, trust: { pins: [pin] } };
    for (const follower of followers) {
      const { bytes } = await makeToken(platform, at, { safe: '*', verbs: ['follow'], days: tokenDays });
      await platform.files.replace(`${follower.folder}/${followFile(place.name)}`, [bytes], { mode: 0o600 });
    }
  }
}
