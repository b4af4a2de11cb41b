/* A site of the test's own that keeps its address: it can be stopped, killed, put back to an image of its disk, and started again. */

import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from './command.ts';
import { startSite } from './site.ts';
import type { SiteStart, TestSite } from './site.ts';

/** What it has on its disk. */
export type SitePart = 'state' | 'vault';

const siteParts: readonly SitePart[] = ['state', 'vault'];

export class SteadySite {
  readonly root: string;
  readonly port: number;
  #lines: readonly string[];
  #site: TestSite | null = null;

  /** `lines`: of its configuration. It does not run yet. */
  constructor(root: string, { port, lines }: { readonly port: number; readonly lines: readonly string[] }) {
    this.root = root;
    this.port = port;
    this.#lines = lines;
  }

  /** As it was started last. */
  get site(): TestSite {
    assert.ok(this.#site !== null, `${this.root} was started`);
    return this.#site;
  }

  get config(): string {
    return join(this.root, 'site.yaml');
  }

  async start(options: Omit<SiteStart, 'port'> = {}): Promise<void> {
    this.#site = await startSite(this.root, this.#lines, { ...options, port: this.port });
  }

  /** More lines of its configuration, from its next start on. */
  configure(...lines: readonly string[]): void {
    this.#lines = [...this.#lines, ...lines];
  }

  /** In good order. */
  async stop(): Promise<Outcome> {
    const { running } = this.site;
    running.child.kill('SIGTERM');
    const outcome = await running.ended;
    assert.equal(outcome.status, 0, outcome.told);
    return outcome;
  }

  async kill(): Promise<Outcome> {
    const { running } = this.site;
    running.child.kill('SIGKILL');
    return running.ended;
  }

  /** While it does not run. */
  saveImage(parts: readonly SitePart[] = siteParts): void {
    for (const part of parts) copy(join(this.root, part), join(this.root, 'image', part));
  }

  putBack(parts: readonly SitePart[] = siteParts): void {
    for (const part of parts) copy(join(this.root, 'image', part), join(this.root, part));
  }
}

function copy(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
}
