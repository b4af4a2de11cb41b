/*
 * Who may import whom: the one table that docs/architecture.md describes and the rules hold. A change here is a change
 * of the architecture. A package that does not exist yet may already have its row.
 *
 * Invariant: vault and portal never reach seal, whatever the way. That is what makes "a vault cannot read" a fact of
 * the import graph.
 */

/** `isomorphic`: compiles without the types of Node. `node`: may use Node's own modules, but for those of ports. */
export type Platform = 'isomorphic' | 'node';

export interface PackageRow {
  readonly platform: Platform;
  /** Packages of ours. */
  readonly imports: readonly string[];
  /** Packages of ours of which only types are imported. */
  readonly importsTypes?: readonly string[];
  /** Packages of others; each is decided by an ADR. */
  readonly thirdParty: readonly string[];
}

export const importTable: Readonly<Record<string, PackageRow>> = {
  std: {
    platform: 'isomorphic',
    imports: [],
    thirdParty: [
      '@bokuweb/zstd-wasm',
      '@noble/ciphers',
      '@noble/curves',
      '@noble/hashes',
      '@noble/post-quantum',
      '@peculiar/x509',
      'hash-wasm',
      'koffi',
    ],
  },
  format: { platform: 'isomorphic', imports: ['std'], thirdParty: ['cborg'] },
  vectors: { platform: 'isomorphic', imports: [], thirdParty: [] },
  seal: { platform: 'isomorphic', imports: ['std', 'format'], thirdParty: ['@scure/bip39', 'cborg'] },
  paper: { platform: 'isomorphic', imports: ['std'], thirdParty: ['qr'] },
  protocol: { platform: 'isomorphic', imports: ['std', 'format'], thirdParty: ['jose', 'typebox'] },
  engine: { platform: 'node', imports: ['std', 'format', 'seal', 'protocol'], thirdParty: [] },
  sources: { platform: 'node', imports: ['std'], importsTypes: ['engine'], thirdParty: ['koffi'] },
  mount: { platform: 'node', imports: ['std', 'format', 'seal'], thirdParty: ['koffi'] },
  agent: { platform: 'node', imports: ['std', 'format', 'seal', 'protocol', 'engine', 'sources'], thirdParty: [] },
  vault: {
    platform: 'node',
    imports: ['std', 'format', 'protocol'],
    thirdParty: [
      'acme-client',
      'aws4fetch',
      'better-sqlite3',
      'fastify',
      'kysely',
      'pg',
      'pino',
      'prom-client',
      'typebox',
      'yaml',
    ],
  },
  portal: { platform: 'node', imports: ['std', 'format', 'protocol'], thirdParty: [] },
  testkit: {
    platform: 'node',
    imports: ['std', 'format', 'seal', 'paper', 'protocol', 'engine', 'sources', 'mount', 'agent', 'vault', 'portal'],
    thirdParty: [],
  },
  twinvault: {
    platform: 'node',
    imports: ['std', 'format', 'seal', 'paper', 'protocol', 'engine', 'sources', 'mount', 'agent', 'vault', 'portal'],
    thirdParty: ['@commander-js/extra-typings', 'commander'],
  },
  web: { platform: 'isomorphic', imports: ['std', 'format', 'seal', 'paper', 'protocol'], thirdParty: [] },
};

/** Modules of Node behind a port: only std's node part imports them. */
export const portModules: ReadonlySet<string> = new Set([
  'node:crypto',
  'node:dgram',
  'node:fs',
  'node:fs/promises',
  'node:http',
  'node:http2',
  'node:https',
  'node:net',
  'node:sqlite',
  'node:timers',
  'node:timers/promises',
  'node:tls',
  'node:worker_threads',
  'node:zlib',
]);
