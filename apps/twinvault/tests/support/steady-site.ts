/* A site of the test's own that keeps its address: it can be stopped, killed, put back to an image of its disk, and started again. */

import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort } from '@twinvault/testkit';
import { expectExit, resultOf, start, twinvault } from './command.ts';
import type { RunningCommand } from './command.ts';
import { heard } from './running.ts';

const parts = ['state', 'vault'] as const;

export class SteadySite {
  readonly folder: string;
  readonly #port: number;
  #running: RunningCommand | null = null;

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.#port = port;
  }

  /** `more`: lines of its configuration. It does not run yet. */
  static async make(folder: string, more: readonly string[]): Promise<SteadySite> {
    const site = new SteadySite(folder, await freePort());
    mkdirSync(folder, { recursive: true });
    site.configure(more);
    return site;
  }

  /** From its next start on. */
  configure(more: readonly string[]): void {
    const own = ['state: state', 'store: { directory: vault }'];
    const lines = [`address: ${this.address}`, `listen: 127.0.0.1:${this.#port}`, ...own, ...more];
    writeFileSync(this.config, `${lines.join('\n')}\n`);
  }

  get address(): string {
    return `https://localhost:${this.#port}`;
  }

  get config(): string {
    return join(this.folder, 'site.yaml');
  }

  get vault(): string {
    return join(this.folder, 'vault');
  }

  /** For every safe; the site has run once. Gives the path of the file. */
  async token(name: string, verbs: string, customer?: string): Promise<string> {
    const path = join(this.folder, name);
    const words = ['--all-safes', '--verbs', verbs, ...(customer === undefined ? [] : ['--customer', customer])];
    resultOf(await twinvault(['vault', 'token', '--config', this.config, ...words, '--token-file', path, '--json']));
    return path;
  }

  /** Serves when it resolves; ended with the test. */
  async start(t: Pick<TestContext, 'after'>): Promise<void> {
    const running = start(['vault', 'run', '--config', this.config]);
    this.#running = running;
    t.after(() => running.child.kill('SIGKILL'));
    await heard(running, /"msg":"serving"/u);
  }

  async stop(): Promise<void> {
    this.#running?.child.kill('SIGTERM');
    expectExit((await this.#running?.ended) ?? raise(), 0);
    this.#running = null;
  }

  async kill(): Promise<void> {
    this.#running?.child.kill('SIGKILL');
    await this.#running?.ended;
    this.#running = null;
  }

  /** Everything that it has on its disk, while it does not run. */
  saveImage(name: string): void {
    for (const part of parts)
      cpSync(join(this.folder, part), join(this.folder, name, part), { recursive: true, preserveTimestamps: true });
  }

  putBack(name: string): void {
    for (const part of parts) {
      rmSync(join(this.folder, part), { recursive: true });
      cpSync(join(this.folder, name, part), join(this.folder, part), { recursive: true, preserveTimestamps: true });
    }
  }
}

function raise(): never {
  throw new Error('it does not run');
}

/** Two that follow each other and run. They are started once before, so that each has an identity that a token can name. */
export async function steadyTwins(t: TestContext, root: string, more: readonly string[]): Promise<[SteadySite, SteadySite]> {
  const sites = [await SteadySite.make(join(root, 'a'), more), await SteadySite.make(join(root, 'b'), more)] as const;
  for (const site of sites) await site.start(t);
  for (const [own, other] of [sites, [...sites].reverse()] as [SteadySite, SteadySite][])
    own.configure([...more, `twins: [{ token: ${await other.token('follow.token', 'follow')} }]`]);
  for (const site of sites) {
    await site.stop();
    await site.start(t);
  }
  return [...sites];
}
