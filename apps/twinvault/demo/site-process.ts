/* The process of one served site, seen from outside: halted as a machine that hangs, ended as one that loses its power. */

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class SiteProcess {
  readonly name: string;
  readonly #folder: string;

  /** `sites`: the folder of `twinvault serve`. */
  constructor(sites: string, name: string) {
    this.name = name;
    this.#folder = join(sites, name);
  }

  /** It answers nobody any more, and tells nobody. */
  halt(): void {
    this.#signal('SIGSTOP');
  }

  /** It ends without a chance to put anything in order; `twinvault serve` starts it again. */
  kill(): void {
    this.#signal('SIGKILL');
  }

  /** Resolves when the site has a pack. False when `isOver` says that none will come. */
  async untilPack(isOver: () => boolean): Promise<boolean> {
    while (this.packs().size === 0) {
      if (isOver()) return false;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return true;
  }

  /** From the names of all packs of the site to their paths. */
  packs(): Map<string, string> {
    const vault = join(this.#folder, 'vault', 'safes');
    if (!existsSync(vault)) return new Map();
    const names = readdirSync(vault, { recursive: true, encoding: 'utf8' });
    return new Map(names.flatMap((name) => (isPack.test(name) ? [[name.slice(-64), join(vault, name)]] : [])));
  }

  /** Flips one bit in the middle of the largest pack; gives its name. */
  damagePack(): string {
    const sizes = [...this.packs()].map(([name, path]) => ({ name, path, bytes: readFileSync(path) }));
    const [largest] = sizes.toSorted((a, b) => b.bytes.length - a.bytes.length);
    if (largest === undefined) throw new Error(`site ${this.name} has no pack`);
    const middle = Math.floor(largest.bytes.length / 2);
    largest.bytes[middle] = (largest.bytes[middle] ?? 0) ^ 1;
    writeFileSync(largest.path, largest.bytes);
    return largest.name;
  }

  #signal(signal: NodeJS.Signals): void {
    const config = join(this.#folder, 'site.yaml');
    const found = execFileSync('pgrep', ['-f', '--', `vault run --config ${config}`], { encoding: 'utf8' });
    for (const id of found.trim().split('\n')) process.kill(Number(id), signal);
  }
}

const isPack = /\/packs\/[0-9a-f]{2}\/[0-9a-f]{64}$/u;
