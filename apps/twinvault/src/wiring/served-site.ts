/* One site of `twinvault serve`: its folder, its configuration, and the process that runs it and is started again when it dies. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { secondMs, utf8Encode } from '@twinvault/std';
import type { Platform } from '@twinvault/std';
import type { CertificateConfig } from '@twinvault/vault/service';

export interface ServedPlace {
  /** Also the first part of its path. */
  readonly name: string;
  readonly address: string;
  /** Absolute. */
  readonly folder: string;
  readonly config: string;
  readonly socket: string;
  readonly vault: string;
}

export function servedPlace(data: string, name: string, origin: string): ServedPlace {
  const folder = `${data}/${name}`;
  return {
    name,
    address: `${origin}/${name}`,
    folder,
    config: `${folder}/site.yaml`,
    socket: `${folder}/site.sock`,
    vault: `${folder}/vault`,
  };
}

export interface ServedConfig {
  /** As it stands in the configuration. */
  readonly certificate: CertificateConfig;
  /** Token files of the sites that it follows, relative to its folder. */
  readonly twins: readonly string[];
}

/** Written at each start: `vault run` and `vault token` read it as they would any other. */
export async function writeConfig(
  { files }: Platform,
  { address, folder, config, socket }: ServedPlace,
  { certificate, twins }: ServedConfig,
): Promise<void> {
  await files.makeDirectory(folder, { mode: 0o700 });
  const lines = [
    '# Written by twinvault serve at each start.',
    `address: ${JSON.stringify(address)}`,
    `listen: ${JSON.stringify(socket)}`,
    'state: state',
    'store: { directory: vault }',
    `certificate: ${JSON.stringify(certificate)}`,
    ...(twins.length === 0 ? [] : [`twins: ${JSON.stringify(twins.map((token) => ({ token })))}`]),
    'log: warn',
  ];
  await files.replace(config, [utf8Encode(`${lines.join('\n')}\n`)], { mode: 0o644 });
}

export interface ServedOptions {
  readonly place: ServedPlace;
  readonly platform: Platform;
  /** Program and arguments that run a site from a configuration. */
  readonly command: readonly string[];
  /** What the process writes, by lines. */
  readonly heard: (line: string) => void;
}

const pauseMsMin = 500;
const pauseMsMax: number = 30 * secondMs;
const steadyMs: number = 60 * secondMs;

export class ServedSite implements AsyncDisposable {
  readonly #options: ServedOptions;
  readonly #stopping = new AbortController();
  #child: ChildProcess | null = null;
  readonly #done: Promise<void>;

  constructor(options: ServedOptions) {
    this.#options = options;
    this.#done = this.#keepRunning();
  }

  /** Pauses grow while it dies soon after each start. */
  async #keepRunning(): Promise<void> {
    const { clock, timers } = this.#options.platform;
    const { signal } = this.#stopping;
    let pauseMs = pauseMsMin;
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      await this.#runOnce();
      if (signal.aborted) return;
      pauseMs = clock.monotonicMs() - startedMs > steadyMs ? pauseMsMin : Math.min(2 * pauseMs, pauseMsMax);
      await timers.sleep(pauseMs, signal).catch(() => undefined);
    }
  }

  #runOnce(): Promise<void> {
    const { command, heard } = this.#options;
    const [program = '', ...words] = command;
    return new Promise((resolve) => {
      // Its own group: Ctrl-C on a terminal reaches this process alone, which then lets it end in order. Should this one be killed, its
      // input ends there, and so does the site.
      const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
      child.stdin.on('error', () => undefined);
      this.#child = child;
      for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', heard);
      child.once('error', () => resolve());
      child.once('close', () => resolve());
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#child?.kill('SIGTERM');
    await this.#done;
  }
}
