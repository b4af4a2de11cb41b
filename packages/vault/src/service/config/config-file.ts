/*
 * The configuration file of a site, docs/operating/configuration.md: its shape, and what is wrong with one that does not have it. It holds no
 * secret, only the paths of files that do.
 */

import { Type } from 'typebox';
import type { Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { parseDocument } from 'yaml';
import { VaultError } from '../../errors.ts';

export const configBytesMax: number = 64 * 1024;

/** As it stands in the file; siteConfig fills in the rest. */
export interface ConfigFile {
  readonly address: string;
  readonly listen?: string;
  readonly operations?: string;
  readonly state: string;
  readonly store: StoreConfig;
  readonly database?: DatabaseConfig;
  readonly certificate?: CertificateConfig;
  readonly issuers?: readonly string[];
  readonly refuseBefore?: string;
  readonly care?: CareConfig;
  readonly limits?: LimitsConfig;
  readonly twins?: readonly TwinConfig[];
  readonly log?: LogLevel;
}

/** One of both. */
export interface StoreConfig {
  readonly directory?: string;
  readonly bucket?: BucketConfig;
}

export interface BucketConfig {
  readonly endpoint: string;
  readonly region?: string;
  readonly name: string;
  readonly prefix?: string;
  /** Where the bucket's name stands in addresses; `path` when left out. */
  readonly addressing?: 'path' | 'host';
  readonly credentials: string;
  readonly siteKey: string;
}

/** One of both, or none. */
export interface DatabaseConfig {
  readonly sqlite?: string;
  readonly postgresql?: PostgresqlConfig;
}

export interface PostgresqlConfig {
  /** A name, an address, or the absolute path of the folder of the server's socket. */
  readonly host: string;
  readonly port?: number;
  readonly database: string;
  readonly user: string;
  /** File. */
  readonly password?: string;
  /** `system`: the server's certificate is one of the system's authorities; else a file of authorities in PEM. Left out: no TLS. */
  readonly tls?: string;
}

/** Chain and key, or acme. */
export interface CertificateConfig {
  readonly chain?: string;
  readonly key?: string;
  readonly acme?: AcmeFileConfig;
  /** File of those who vouch for it, where the systems of clients do not know them. */
  readonly authorities?: string;
}

/** A certificate that the site gets for itself from an authority (RFC 8555). */
export interface AcmeFileConfig {
  /** The operator agrees to the authority's terms of service: without that none issues anything. */
  readonly terms: 'agreed';
  /** Of the authority; Let's Encrypt when left out. */
  readonly directory?: string;
  /** Where the authority may write to: an address of mail. */
  readonly contact?: string;
  /** Where the authority finds the answers to its challenges, at port 80 of the site's name. */
  readonly challenges?: string;
  /** For authorities that know their customers already. */
  readonly externalAccount?: { readonly id: string; /** File. */ readonly key: string };
}

/** How the site is looked after. */
export interface CareConfig {
  readonly minimumAgeDays?: number;
  readonly eraseWaitHours?: number;
  /** MiB per second. */
  readonly scrubRate?: number;
}

/** Another site that keeps the same safes. */
export interface TwinConfig {
  /** A token file of that site, with the verb `follow`. */
  readonly token: string;
  /** Bytes per second for parts of the day, as `--limit-download` takes them. */
  readonly limitDownload?: readonly (string | number)[];
}

/** What a site takes at most; nothing is limited where a key is left out. */
export interface LimitsConfig {
  readonly safeGiB?: number;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** A lock of a store that nobody can take back should not outlive everybody. */
export const minimumAgeDaysMax = 36_525;

/** A year: who waits for longer has not decided yet. */
export const eraseWaitHoursMax = 8784;

/** A safe stands at two sites; one more is room for a move. */
export const twinsMax = 2;
const windowsMax = 24;

/** In bytes it stays a whole number that is told exactly. */
export const safeGiBMax: number = 2 ** 22;

const strict = { additionalProperties: false };
const text = Type.String({ minLength: 1, maxLength: 4096 });
/** A text such as `500k`, or, as YAML reads digits alone, a number of bytes per second. */
const rate = Type.Union([text, Type.Integer({ minimum: 1 })]);
const url = Type.String({ minLength: 1, maxLength: 2048, pattern: '^https://[^\\s?#@]+$' });
const listen = Type.String({ maxLength: 300, pattern: '^(\\[[0-9A-Fa-f:.]+\\]|[^:\\s]*):[0-9]{1,5}$' });

/** Or the absolute path of a local socket, as long as the system takes. */
const listenOrSocket = Type.String({ maxLength: 300, pattern: '^(/[^\\0]{1,100}|(\\[[0-9A-Fa-f:.]+\\]|[^:\\s/]*):[0-9]{1,5})$' });

const bucket = Type.Object(
  {
    endpoint: Type.String({ maxLength: 2048, pattern: '^https?://[^\\s?#@]+$' }),
    region: Type.Optional(text),
    name: text,
    prefix: Type.Optional(Type.String({ maxLength: 512, pattern: '^[a-z0-9][a-z0-9/-]*$' })),
    addressing: Type.Optional(Type.Union([Type.Literal('path'), Type.Literal('host')])),
    credentials: text,
    siteKey: text,
  },
  strict,
);

const postgresql = Type.Object(
  {
    host: text,
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
    database: text,
    user: text,
    password: Type.Optional(text),
    tls: Type.Optional(text),
  },
  strict,
);

const acme = Type.Object(
  {
    terms: Type.Literal('agreed'),
    directory: Type.Optional(url),
    contact: Type.Optional(Type.String({ maxLength: 320, pattern: '^[^@\\s,?]+@[^@\\s,?]+$' })),
    challenges: Type.Optional(listen),
    externalAccount: Type.Optional(Type.Object({ id: text, key: text }, strict)),
  },
  strict,
);

const certificate = Type.Object(
  { chain: Type.Optional(text), key: Type.Optional(text), acme: Type.Optional(acme), authorities: Type.Optional(text) },
  strict,
);

const schema = Type.Object(
  {
    address: url,
    listen: Type.Optional(listenOrSocket),
    operations: Type.Optional(listen),
    state: text,
    store: Type.Object(
      { directory: Type.Optional(text), bucket: Type.Optional(bucket) },
      { ...strict, minProperties: 1, maxProperties: 1 },
    ),
    database: Type.Optional(
      Type.Object(
        { sqlite: Type.Optional(text), postgresql: Type.Optional(postgresql) },
        { ...strict, minProperties: 1, maxProperties: 1 },
      ),
    ),
    certificate: Type.Optional(certificate),
    issuers: Type.Optional(Type.Array(Type.String({ pattern: '^[0-9a-f]{64}$' }), { maxItems: 100 })),
    refuseBefore: Type.Optional(Type.String({ maxLength: 40, pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d)?Z$' })),
    care: Type.Optional(
      Type.Object(
        {
          minimumAgeDays: Type.Optional(Type.Number({ minimum: 0, maximum: minimumAgeDaysMax })),
          eraseWaitHours: Type.Optional(Type.Number({ minimum: 0, maximum: eraseWaitHoursMax })),
          scrubRate: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
        },
        strict,
      ),
    ),
    limits: Type.Optional(Type.Object({ safeGiB: Type.Optional(Type.Number({ minimum: 0, maximum: safeGiBMax })) }, strict)),
    twins: Type.Optional(
      Type.Array(Type.Object({ token: text, limitDownload: Type.Optional(Type.Array(rate, { maxItems: windowsMax })) }, strict), {
        maxItems: twinsMax,
      }),
    ),
    log: Type.Optional(Type.Enum(['debug', 'info', 'warn', 'error'])),
  },
  strict,
);

const validator = Compile(schema);

/** `config-invalid`: context has the key and what is wrong with it, or the line of the file. */
export function parseConfigFile(source: string): ConfigFile {
  const document = parseDocument(source, { prettyErrors: false, uniqueKeys: true });
  const [broken] = document.errors;
  if (broken !== undefined) {
    const line = source.slice(0, broken.pos[0]).split('\n').length;
    throw invalid('', `line ${line} is no YAML`);
  }
  // No aliases: a small file could unfold into a very large value.
  const value: unknown = toValue(document);
  if (value === null) throw invalid('address', 'is missing');
  if (!validator.Check(value)) throw firstError(value);
  const file: Static<typeof schema> = value;
  if (file.certificate !== undefined) demandWhole(file.certificate);
  return file;
}

function demandWhole({ chain, key, acme: byAcme }: CertificateConfig): void {
  if (byAcme !== undefined && (chain ?? key) !== undefined) throw invalid('certificate', 'takes either chain and key, or acme');
  if (byAcme !== undefined || (chain !== undefined && key !== undefined)) return;
  if (chain === undefined && key === undefined) throw invalid('certificate', 'needs chain and key, or acme');
  throw invalid(chain === undefined ? 'certificate.chain' : 'certificate.key', 'is missing');
}

function toValue(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    throw invalid('', 'aliases are not read', error);
  }
}

function firstError(value: unknown): VaultError {
  const [first] = validator.Errors(value);
  if (first === undefined || (first.instancePath === '' && first.keyword === 'type'))
    return invalid('', 'is no list of keys and values');
  const place = first.instancePath.slice(1).replaceAll('/', '.');
  const within = (name: string): string => (place === '' ? name : `${place}.${name}`);
  const { keyword } = first;
  if (keyword === 'required') return invalid(within(first.params.requiredProperties[0] ?? ''), 'is missing');
  // How typebox says of a key that no schema lets it in.
  if (keyword === 'boolean') return invalid(place, 'is not a key that is known here');
  if (keyword === 'minProperties' || keyword === 'maxProperties') return invalid(place, 'needs exactly one of its keys');
  if (keyword === 'enum') return invalid(place, 'has to be one of debug, info, warn and error');
  return invalid(place, hints[place.replaceAll(/\.\d+/gu, '')] ?? 'has a value of the wrong kind');
}

const listenHint = 'has to be an address and a port, like 127.0.0.1:8443 or [::]:8443';
const hints: Readonly<Record<string, string>> = {
  'care.minimumAgeDays': 'has to be a number of days, from 0 to 36525',
  'care.eraseWaitHours': 'has to be a number of hours, from 0 to 8784',
  'care.scrubRate': 'has to be a number of MiB per second, above 0',
  'limits.safeGiB': 'has to be a number of GiB, from 0 to 4194304',
  'certificate.acme.terms': 'has to be "agreed": an authority issues certificates to those alone who agree to its terms',
  'certificate.acme.directory': 'has to be the https:// address of the directory of the authority',
  'certificate.acme.contact': 'has to be one address of mail',
  'certificate.acme.challenges': 'has to be an address and a port, like :80 or 127.0.0.1:8080',
  address: 'has to be the https:// address that clients use',
  listen: `${listenHint}, or the absolute path of a local socket`,
  operations: listenHint,
  'store.bucket.endpoint': 'has to be the http(s):// address of the object store',
  'twins.limitDownload': 'has to be a list of bytes per second, such as [500k] or, by parts of the day, [2M@08:00-18:00]',
  twins: 'has to be a list of at most 2 sites, each with the token file that it gave',
  issuers: 'has to be a list of public keys: 64 hexadecimal digits each',
  refuseBefore: 'has to be a time like 2026-11-22T12:00Z',
};

function invalid(key: string, defect: string, cause?: unknown): VaultError {
  return new VaultError('config-invalid', { context: { key, defect }, ...(cause === undefined ? {} : { cause }) });
}
