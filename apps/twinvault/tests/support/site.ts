/* A site of the test's own, run by the command in a process, and token files for it. */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { safeIdFromHex } from '@twinvault/format';
import { encodeTokenFile, signCapability } from '@twinvault/protocol/wire';
import type { CapabilityGrant } from '@twinvault/protocol/wire';
import { dayMs } from '@twinvault/std';
import { nodePlatform } from '@twinvault/std/node';
import { openDirectoryVault } from '@twinvault/vault';
import { start } from './command.ts';
import type { RunningCommand } from './command.ts';
import type { TestHost } from './network.ts';

export interface TestSite {
  readonly address: string;
  readonly pin: string;
  /** The directory of its vault. */
  readonly vault: string;
  readonly running: RunningCommand;
  /** Writes a token file, for every safe unless the id of one is given; gives its path. */
  token(name: string, options: TokenOptions): Promise<string>;
}

export interface TokenOptions extends Partial<Pick<CapabilityGrant, 'notBeforeMs' | 'endsMs'>> {
  readonly verbs: CapabilityGrant['verbs'];
  /** Hexadecimal. */
  readonly safe?: string;
  readonly pins?: readonly string[];
  /** Where the site is called; its own address when left out. */
  readonly address?: string;
}

interface Serving {
  readonly msg?: string;
  readonly port?: number;
  readonly pin?: string;
}

export interface SiteStart {
  /** In a network of the test's own; on loopback when left out. */
  readonly host?: TestHost;
  /** On loopback; a free one when left out. */
  readonly port?: number;
  /** Besides what every command of the tests has. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Serves when it resolves; ended with the test file. `more`: lines of its configuration. */
export async function startSite(
  root: string,
  more: readonly string[] = [],
  { host, port: asked = 0, environment = {} }: SiteStart = {},
): Promise<TestSite> {
  mkdirSync(root, { recursive: true });
  const config = join(root, 'site.yaml');
  const own = ['state: state', 'store: { directory: vault }'];
  const at = host === undefined ? ['localhost', `127.0.0.1:${asked}`] : [host.address, `${host.address}:8443`];
  const lines = [`address: https://${at[0]}:8443/a`, `listen: ${at[1]}`, ...own];
  writeFileSync(config, `${[...lines, ...more].join('\n')}\n`);
  const running = start(['vault', 'run', '--config', config], {
    environment,
    ...(host === undefined ? {} : { within: host.within }),
  });
  after(async () => {
    running.child.kill('SIGTERM');
    await running.ended;
  });
  const { port, pin } = await servingLine(running);
  assert.ok(port !== undefined && pin !== undefined);
  const address = `https://${host?.address ?? '127.0.0.1'}:${port}/a`;
  const vault = join(root, 'vault');
  const token = async (
    name: string,
    { safe, pins = [pin], verbs, address: called = address, ...times }: TokenOptions,
  ): Promise<string> => {
    const path = join(root, name);
    const nowMs = Date.now();
    const opened = await openDirectoryVault({ path: vault, platform: nodePlatform() });
    const { site } = await opened.site();
    await opened[Symbol.asyncDispose]();
    const capability = await signCapability(
      { site, safe: safe === undefined ? '*' : safeIdFromHex(safe), verbs, notBeforeMs: nowMs, endsMs: nowMs + dayMs, ...times },
      { seed: readFileSync(join(vault, 'site', 'key')), nowMs, id: nodePlatform().random.bytes(16) },
    );
    writeFileSync(path, encodeTokenFile({ vault: called, pins, capability }), { mode: 0o600 });
    return path;
  };
  return { address, pin, vault, running, token };
}

async function servingLine({ child, ended }: RunningCommand): Promise<Serving> {
  let text = '';
  const found = new Promise<Serving>((resolve) => {
    child.stdout?.on('data', (bytes: Buffer) => {
      text += bytes.toString();
      const lines = text.split('\n').slice(0, -1);
      const told = lines.map((line) => JSON.parse(line) as Serving).find(({ msg }) => msg === 'serving');
      if (told !== undefined) resolve(told);
    });
  });
  const over = ended.then(({ told }) => Promise.reject(new Error(`the site ended: ${told}`)));
  return await Promise.race([found, over]);
}
