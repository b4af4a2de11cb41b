/*
 * The certificate that a site shows: one that is given to it, one that an authority issues to it (ACME), or one that it makes. The latter two have one key, made at first
 * start and kept: an authority's certificate takes the place of the made one once it is there, and whoever pins the key does not notice.
 *
 * In the site's state: `tls.key`, `tls.crt` (made), and for each authority `acme/NAME/account.key`, `site.crt` and, while orders fail, `attempts.json`.
 */
import { dayMs, utf8Decode, utf8Encode } from '@twinvault/std';
import type { Platform } from '@twinvault/std';
import { certificateFacts, certificatesIn, makeServerKey, selfSignedCertificate } from '@twinvault/std/node';
import type { CertificateFacts } from '@twinvault/std/node';
import { VaultError } from '@twinvault/vault';
import type { AcmeConfig, Attempts, AttemptsKeeper, CertificateWish, SiteConfig, TlsFiles } from '@twinvault/vault/service';
import { pemBytesMax, readPem, readSecret } from './site-files.ts';

/** Clients pin the key, so only what looks at dates needs the certificate to end at all. */
const madeMs: number = 3650 * dayMs;
const renewMs: number = 365 * dayMs;

/** What clients have to be told to trust it: nothing where their systems know who vouches for it. */
export interface SiteTrust {
  readonly pins: readonly string[];
  /** PEM. */
  readonly authorities?: string;
}

export interface SiteCertificate extends TlsFiles, SiteTrust {
  readonly pin: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Null where none is wanted. False: the authority's is not there yet, and the made one stands in for it. */
  readonly isIssued: boolean | null;
}

/** What a certificate depends on. */
export type CertifiedSite = Pick<SiteConfig, 'certificate' | 'host' | 'state'>;

/** As it lies there; a key and a certificate that are missing are made. `certificate-unusable`, and what readSecret throws. */
export async function siteCertificate(platform: Platform, site: CertifiedSite): Promise<SiteCertificate> {
  const { certificate } = site;
  if (certificate.type === 'own') return ownCertificate(platform, site.host, certificate);
  const made = await madeCertificate(platform, site);
  if (certificate.type === 'made') return made;
  const trust = await siteTrust(platform, site);
  const issued = await issuedCertificate(platform, site, { acme: certificate.acme, key: made.key });
  return issued === null ? { ...made, ...trust, isIssued: false } : { ...issued, ...trust };
}

/** What a token file says about it. Of an authority's certificate nothing has to be there for that. */
export async function siteTrust(platform: Platform, site: CertifiedSite): Promise<SiteTrust> {
  const { certificate } = site;
  if (certificate.type === 'acme') return { pins: [], ...(await authoritiesOf(platform, certificate.authorities)) };
  const { pins, authorities } = await siteCertificate(platform, site);
  return { pins, ...(authorities === undefined ? {} : { authorities }) };
}

type OwnWish = Extract<CertificateWish, { type: 'own' }>;

async function ownCertificate(platform: Platform, host: string, wish: OwnWish): Promise<SiteCertificate> {
  const chain = await readPem(platform, wish.chain);
  const key = await readSecret(wish.key);
  const facts = certificateFacts(chain, key);
  if (facts === null) throw unusable(wish.chain, 'it cannot be read, or the key is not its own');
  if (!facts.names(host)) throw unusable(wish.chain, `it is not for ${host}`);
  if (facts.toMs < platform.clock.nowMs()) throw unusable(wish.chain, 'it has ended');
  const trust = await authoritiesOf(platform, wish.authorities);
  const pins = facts.isSelfSigned && trust.authorities === undefined ? [facts.pin] : [];
  return { ...shown({ chain, key }, facts), ...trust, pins };
}

/** A new certificate keeps the key, and so every pin. */
async function madeCertificate({ files, clock }: Platform, { state, host }: CertifiedSite): Promise<SiteCertificate> {
  const [keyPath, chainPath] = [`${state}/tls.key`, `${state}/tls.crt`];
  const key = await keptKey(files, keyPath);
  const chain = (await readText(files, chainPath)) ?? '';
  const nowMs = clock.nowMs();
  const facts = certificateFacts(chain, key);
  if (facts !== null && facts.names(host) && facts.toMs > nowMs + renewMs) return shown({ chain, key }, facts);
  const names = [host, ...['localhost', '127.0.0.1', '::1'].filter((name) => name !== host)];
  const made = await selfSignedCertificate({ key, names, fromMs: nowMs - dayMs, toMs: nowMs + madeMs });
  await files.replace(chainPath, [utf8Encode(made)], { mode: 0o644 });
  const madeFacts = certificateFacts(made, key);
  if (madeFacts === null) throw unusable(keyPath, 'the key cannot be read');
  return shown({ chain: made, key }, madeFacts);
}

interface Issuing {
  readonly acme: AcmeConfig;
  readonly key: string;
}

/** Null when there is none that fits; one that has ended is still better than none. */
async function issuedCertificate(
  { files }: Platform,
  { state, host }: CertifiedSite,
  { acme, key }: Issuing,
): Promise<SiteCertificate | null> {
  const chain = await readText(files, acmePaths(state, acme).chain);
  const facts = chain === null ? null : certificateFacts(chain, key);
  return chain !== null && facts?.names(host) === true ? { ...shown({ chain, key }, facts), isIssued: true } : null;
}

/** Keeps what the authority issued and gives it as it is shown from now on. `certificate-unusable` for what does not fit, which is not kept. */
export async function keepIssued(platform: Platform, site: CertifiedSite, chain: string): Promise<SiteCertificate> {
  const { certificate, state, host } = site;
  if (certificate.type !== 'acme') throw new TypeError('no authority issues this certificate');
  const path = acmePaths(state, certificate.acme).chain;
  const key = await keptKey(platform.files, `${state}/tls.key`);
  const facts = certificateFacts(chain, key);
  if (facts === null || !facts.names(host)) throw unusable(path, `what the authority sent is not for ${host} and its key`);
  await platform.files.replace(path, [utf8Encode(chain)], { mode: 0o644 });
  return siteCertificate(platform, site);
}

/** The key of the account at the authority, PEM; made when it is missing. */
export function accountKey({ files }: Platform, state: string, acme: AcmeConfig): Promise<string> {
  return keptKey(files, acmePaths(state, acme).account);
}

interface AcmePaths {
  readonly account: string;
  readonly chain: string;
  readonly attempts: string;
}

/** What was tried at the authority lies beside the account: with the next start it is known still. */
export function keptAttempts({ files }: Platform, state: string, acme: AcmeConfig): AttemptsKeeper {
  const { attempts: path } = acmePaths(state, acme);
  return {
    read: async () => attemptsIn(await readText(files, path)),
    write: async (attempts) => {
      if (attempts === null) {
        await files.remove(path);
        return;
      }
      await files.makeDirectory(path.slice(0, path.lastIndexOf('/')), { mode: 0o700 });
      await files.replace(path, [utf8Encode(`${JSON.stringify(attempts)}\n`)], { mode: 0o644 });
    },
  };
}

function attemptsIn(text: string | null): Attempts | null {
  try {
    const { failures, againMs } = JSON.parse(text ?? '') as Readonly<Record<string, unknown>>;
    const isOne = Number.isSafeInteger(failures) && Number(failures) > 0 && Number.isFinite(againMs);
    return isOne ? { failures: Number(failures), againMs: Number(againMs) } : null;
  } catch {
    return null;
  }
}

/** Of each authority its own, so that what one that is for trials issued is never taken for the real one's. */
function acmePaths(state: string, { directory }: AcmeConfig): AcmePaths {
  const { host, pathname } = new URL(directory);
  const folder = `${state}/acme/${`${host}${pathname}`.replaceAll(/[^\w.-]+/gu, '-').replace(/-$/u, '')}`;
  return { account: `${folder}/account.key`, chain: `${folder}/site.crt`, attempts: `${folder}/attempts.json` };
}

async function keptKey(files: Platform['files'], path: string): Promise<string> {
  await files.makeDirectory(path.slice(0, path.lastIndexOf('/')), { mode: 0o700 });
  await files.create(path, [utf8Encode(makeServerKey())], { mode: 0o600 });
  return readSecret(path);
}

async function readText(files: Platform['files'], path: string): Promise<string | null> {
  const bytes = await files.read(path, pemBytesMax);
  return bytes === null ? null : utf8Decode(bytes);
}

/** Of a file that may hold more than certificates only these. `certificate-unusable`. */
export async function authoritiesOf(platform: Platform, path: string | null): Promise<Pick<SiteTrust, 'authorities'>> {
  if (path === null) return {};
  const authorities = certificatesIn(await readPem(platform, path));
  if (authorities === null) throw unusable(path, 'it holds no certificate in PEM, or one that cannot be read');
  return { authorities };
}

function shown(files: TlsFiles, { pin, fromMs, toMs }: CertificateFacts): SiteCertificate {
  return { ...files, pin, pins: [pin], fromMs, toMs, isIssued: null };
}

function unusable(localPath: string, defect: string): VaultError {
  return new VaultError('certificate-unusable', { context: { localPath, defect } });
}
