/*
 * From the configuration file to what a site runs by: paths are absolute, and everything left out has its value.
 */

import { dayMs, GiB, hourMs, MiB } from '@twinvault/std';
import { eraseWaitMsDefault } from '../../erases/orders.ts';
import { VaultError } from '../../errors.ts';
import type { AcmeFileConfig, BucketConfig, ConfigFile, LogLevel, PostgresqlConfig, TwinConfig } from './config-file.ts';

export interface SiteConfig {
  /** As clients know it, without a slash at its end. */
  readonly address: string;
  /** The address's path, '' or `/a`. */
  readonly basePath: string;
  /** The address's host: a name or an IP address, IPv6 without brackets. */
  readonly host: string;
  /** A local socket is for a front on this machine that ends TLS. */
  readonly listen: Listen | LocalSocket;
  /** Health, readiness and metrics, plain HTTP. */
  readonly operations: Listen | null;
  /** The site's own directory: what is not in the store. */
  readonly state: string;
  readonly store:
    | { readonly type: 'directory'; readonly path: string }
    | { readonly type: 'bucket'; readonly bucket: BucketConfig };
  readonly database:
    | { readonly type: 'sqlite'; readonly path: string }
    | { readonly type: 'postgresql'; readonly server: PostgresqlConfig & { readonly port: number } };
  readonly certificate: CertificateWish;
  /** Ed25519 public keys, hexadecimal, besides the site's own. */
  readonly issuers: readonly string[];
  /** Capabilities issued before are refused, ms since 1970. */
  readonly refuseBeforeMs: number;
  /** Nothing younger is retired or deleted, whoever asks. */
  readonly minimumAgeMs: number;
  /** How long an erase order can be taken back before it is begun. */
  readonly eraseWaitMs: number;
  readonly care: { readonly scrubBytesPerSecondMax?: number };
  /** Stored bytes of a safe above which no new data of it is taken; null: no limit. */
  readonly safeBytesMax: number | null;
  /** Other sites that keep the same safes; `token` is absolute. */
  readonly twins: readonly TwinConfig[];
  readonly log: LogLevel;
}

/** `authorities`: the file of those who vouch for it, null where the systems of clients know them. */
export type CertificateWish =
  | { readonly type: 'made' }
  | { readonly type: 'own'; readonly chain: string; readonly key: string; readonly authorities: string | null }
  | { readonly type: 'acme'; readonly acme: AcmeConfig; readonly authorities: string | null };

export interface AcmeConfig {
  /** Address of the authority's directory. */
  readonly directory: string;
  /** Address of mail. */
  readonly contact: string | null;
  /** Where challenges are answered while an order is under way. */
  readonly challenges: Listen;
  /** `key`: file. */
  readonly externalAccount: { readonly id: string; readonly key: string } | null;
}

export interface Listen {
  readonly host: string;
  readonly port: number;
}

export interface LocalSocket {
  /** Absolute. */
  readonly socket: string;
}

/** `resolve` makes a path absolute, from the folder of the configuration file. */
export function siteConfig(file: ConfigFile, resolve: (path: string) => string): SiteConfig {
  const url = new URL(file.address);
  const port = url.port === '' ? 443 : Number(url.port);
  const state = resolve(file.state);
  return {
    address: file.address.replace(/\/+$/u, ''),
    basePath: url.pathname.replace(/\/+$/u, ''),
    host: url.hostname.replaceAll(/[[\]]/gu, ''),
    listen: file.listen === undefined ? { host: '::', port } : socketOrListen(file.listen),
    operations: file.operations === undefined ? null : listenOf(file.operations),
    state,
    store: storeOf(file, resolve),
    database: databaseOf(file, state, resolve),
    certificate: certificateOf(file, url.hostname, resolve),
    issuers: file.issuers ?? [],
    refuseBeforeMs: file.refuseBefore === undefined ? 0 : Date.parse(file.refuseBefore),
    eraseWaitMs: file.care?.eraseWaitHours === undefined ? eraseWaitMsDefault : Math.ceil(file.care.eraseWaitHours * hourMs),
    minimumAgeMs: Math.ceil((file.care?.minimumAgeDays ?? 0) * dayMs),
    care: file.care?.scrubRate === undefined ? {} : { scrubBytesPerSecondMax: file.care.scrubRate * MiB },
    safeBytesMax: file.limits?.safeGiB === undefined ? null : Math.floor(file.limits.safeGiB * GiB),
    twins: (file.twins ?? []).map((twin) => ({ ...twin, token: resolve(twin.token) })),
    log: file.log ?? 'info',
  };
}

function socketOrListen(text: string): Listen | LocalSocket {
  return text.startsWith('/') ? { socket: text } : listenOf(text);
}

function listenOf(text: string): Listen {
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, colon).replaceAll(/[[\]]/gu, '');
  return { host: host === '' ? '::' : host, port: Number(text.slice(colon + 1)) };
}

type Resolve = (path: string) => string;

function storeOf({ store: { directory, bucket } }: ConfigFile, resolve: Resolve): SiteConfig['store'] {
  if (bucket === undefined) return { type: 'directory', path: resolve(directory ?? '') };
  const secrets = { credentials: resolve(bucket.credentials), siteKey: resolve(bucket.siteKey) };
  return { type: 'bucket', bucket: { ...bucket, ...secrets } };
}

function databaseOf({ database }: ConfigFile, state: string, resolve: Resolve): SiteConfig['database'] {
  if (database?.postgresql !== undefined) {
    const { port = 5432, password, tls, ...server } = database.postgresql;
    const files = {
      ...(password === undefined ? {} : { password: resolve(password) }),
      ...(tls === undefined ? {} : { tls: tls === 'system' ? tls : resolve(tls) }),
    };
    return { type: 'postgresql', server: { ...server, port, ...files } };
  }
  return { type: 'sqlite', path: database?.sqlite === undefined ? `${state}/site.sqlite` : resolve(database.sqlite) };
}

function certificateOf({ certificate }: ConfigFile, host: string, resolve: Resolve): CertificateWish {
  if (certificate === undefined) return { type: 'made' };
  const { chain = '', key = '', acme, authorities } = certificate;
  const vouching = { authorities: authorities === undefined ? null : resolve(authorities) };
  if (acme === undefined) return { type: 'own', chain: resolve(chain), key: resolve(key), ...vouching };
  return { type: 'acme', acme: acmeOf(acme, host, resolve), ...vouching };
}

const letsEncrypt = 'https://acme-v02.api.letsencrypt.org/directory';

/** `host`: as a URL has it. `config-invalid` for one that is no name. */
export function acmeOf(acme: Omit<AcmeFileConfig, 'terms'>, host: string, resolve: Resolve): AcmeConfig {
  if (/^(\[.*\]|\d+(\.\d+){3})$/u.test(host)) {
    const defect = 'has to have a name, not an IP address: the certificate is issued for the name';
    throw new VaultError('config-invalid', { context: { key: 'address', defect } });
  }
  const { directory = letsEncrypt, contact = null, challenges = ':80', externalAccount } = acme;
  return {
    directory,
    contact,
    challenges: listenOf(challenges),
    externalAccount: externalAccount === undefined ? null : { id: externalAccount.id, key: resolve(externalAccount.key) },
  };
}
