/* The files of a site that serves: its configuration, and the secrets and certificates that it names. */
import { dirname, resolve } from 'node:path';
import { dayMs, utf8Decode, utf8Encode } from '@twinvault/std';
import type { Platform } from '@twinvault/std';
import { certificateFacts, makeServerKey, readSecretFile, selfSignedCertificate } from '@twinvault/std/node';
import { VaultError } from '@twinvault/vault';
import { configBytesMax, parseConfigFile, siteConfig } from '@twinvault/vault/service';
import type { SiteConfig, TlsFiles } from '@twinvault/vault/service';

const pemBytesMax = 256 * 1024;
/** Clients pin the key, so only what looks at dates needs the certificate to end at all. */
const madeMs: number = 3650 * dayMs;
const renewMs: number = 365 * dayMs;

/** `config-missing`, `config-invalid`, with the file's path. */
export async function loadConfig({ files }: Platform, path: string): Promise<SiteConfig> {
  const localPath = resolve(path);
  const bytes = await files.read(localPath, configBytesMax);
  if (bytes === null) throw new VaultError('config-missing', { context: { localPath } });
  const text = utf8Decode(bytes);
  try {
    if (text === null) throw new VaultError('config-invalid', { context: { key: 'the file', defect: 'is not UTF-8' } });
    return siteConfig(parseConfigFile(text), (part) => resolve(dirname(localPath), part));
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    const { key } = error.context;
    throw new VaultError(error.code, {
      context: { ...error.context, key: key === '' ? 'it' : (key ?? ''), localPath },
      cause: error,
    });
  }
}

/** Text of a file that only the service's own user and group may read, without white space at its ends. `secret-missing`, `secret-exposed`. */
export async function readSecret(path: string): Promise<string> {
  const file = await readSecretFile(path, pemBytesMax);
  if (file.type === 'exposed') throw new VaultError('secret-exposed', { context: { localPath: path, mode: file.mode } });
  const text = file.type === 'secret' ? (utf8Decode(file.bytes) ?? '').trim() : '';
  if (text === '') throw new VaultError('secret-missing', { context: { localPath: path } });
  return text;
}

/** Certificates, which are no secret. `secret-missing`. */
export async function readPem({ files }: Platform, path: string): Promise<string> {
  const bytes = await files.read(path, pemBytesMax);
  const text = bytes === null ? null : utf8Decode(bytes);
  if (text === null) throw new VaultError('secret-missing', { context: { localPath: path } });
  return text;
}

export interface SiteCertificate extends TlsFiles {
  readonly pin: string;
  /** Those that clients have to be told: none where an authority vouches for the certificate. */
  readonly pins: readonly string[];
}

/** What a certificate depends on. */
export type CertifiedSite = Pick<SiteConfig, 'certificate' | 'host' | 'state'>;

/** The site's own certificate, or the one that is made at first start and kept in its state. `certificate-unusable`, and what readSecret throws. */
export async function siteCertificate(platform: Platform, config: CertifiedSite): Promise<SiteCertificate> {
  const { certificate, host } = config;
  if (certificate.type !== 'own') return madeCertificate(platform, config);
  const chain = await readPem(platform, certificate.chain);
  const key = await readSecret(certificate.key);
  const facts = certificateFacts(chain, key);
  const refuse = (defect: string): VaultError =>
    new VaultError('certificate-unusable', { context: { localPath: certificate.chain, defect } });
  if (facts === null) throw refuse('it cannot be read, or the key is not its own');
  if (!facts.names(host)) throw refuse(`it is not for ${host}`);
  if (facts.toMs < platform.clock.nowMs()) throw refuse('it has ended');
  return { chain, key, pin: facts.pin, pins: facts.isSelfSigned ? [facts.pin] : [] };
}

/** A new certificate keeps the key, and so every pin. */
async function madeCertificate({ files, clock }: Platform, { state, host }: CertifiedSite): Promise<SiteCertificate> {
  const [keyPath, chainPath] = [`${state}/tls.key`, `${state}/tls.crt`];
  await files.makeDirectory(state, { mode: 0o700 });
  await files.create(keyPath, [utf8Encode(makeServerKey())], { mode: 0o600 });
  const key = await readSecret(keyPath);
  const stored = await files.read(chainPath, pemBytesMax);
  const chain = stored === null ? '' : (utf8Decode(stored) ?? '');
  const nowMs = clock.nowMs();
  const facts = certificateFacts(chain, key);
  if (facts !== null && facts.names(host) && facts.toMs > nowMs + renewMs) {
    return { chain, key, pin: facts.pin, pins: [facts.pin] };
  }
  const names = [host, ...['localhost', '127.0.0.1', '::1'].filter((name) => name !== host)];
  const made = await selfSignedCertificate({ key, names, fromMs: nowMs - dayMs, toMs: nowMs + madeMs });
  await files.replace(chainPath, [utf8Encode(made)], { mode: 0o644 });
  const pin = certificateFacts(made, key)?.pin;
  if (pin === undefined)
    throw new VaultError('certificate-unusable', { context: { localPath: keyPath, defect: 'the key cannot be read' } });
  return { chain: made, key, pin, pins: [pin] };
}
