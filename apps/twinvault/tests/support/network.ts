/*
 * A network of the test's own: each host a network namespace with one address, all of them on one switch. Cables can be cut, lose packets, be slow; nothing
 * of the machine's own network is touched. Needs root, iproute2 and nftables.
 */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';

/** Documentation addresses, RFC 5737. */
const subnet = '192.0.2';
const words = { encoding: 'utf8', stdio: 'pipe' } as const;

/** Null where networks can be made, else why not: the reason of a skipped test. */
export function noNetworks(): string | null {
  if (process.getuid?.() !== 0) return 'networks of its own need root';
  for (const tool of ['ip', 'nft', 'tc'])
    if (spawnSync(tool, ['-V'], words).error !== undefined) return `${tool} is not installed`;
  const name = `tv-try-${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', name], words);
  spawnSync('ip', ['netns', 'del', name], words);
  return made.status === 0 ? null : 'this system makes no network namespaces';
}

export interface TestHost {
  readonly name: string;
  readonly address: string;
  /** What goes before a command to run it at this host: see `CommandOptions.within`. */
  readonly within: readonly string[];
}

/** Made by `makeNetwork`; gone with the test. */
export class TestNetwork {
  readonly #prefix: string;
  readonly #hosts: Map<string, TestHost>;

  constructor(prefix: string, names: readonly string[]) {
    this.#prefix = prefix;
    this.#hosts = new Map(
      names.map((name, index) => {
        const within = ['ip', 'netns', 'exec', `${prefix}-${name}`];
        return [name, { name, address: `${subnet}.${index + 1}`, within }];
      }),
    );
  }

  host(name: string): TestHost {
    const host = this.#hosts.get(name);
    assert.ok(host !== undefined, `no host ${name}`);
    return host;
  }

  /** Nothing reaches the host and nothing leaves it; nobody is told. What was under way hangs. */
  cut(name: string): void {
    this.#drop(name, '');
  }

  /** Of a hundred packets that arrive at the host so many are lost, by chance. */
  lose(name: string, percent: number): void {
    this.#drop(name, `numgen random mod 100 < ${percent} `);
  }

  /** Between these two alone nothing goes through any more. */
  part(name: string, other: string): void {
    const { address } = this.host(other);
    this.#rules(name, [`in ip saddr ${address} drop`, `out ip daddr ${address} drop`]);
  }

  /** The host sends at most so fast; null: as fast as it can. */
  slow(name: string, megabitsPerSecond: number | null): void {
    const link = ['dev', 'eth0', 'root'];
    spawnSync('ip', ['netns', 'exec', this.#namespace(name), 'tc', 'qdisc', 'del', ...link], words);
    if (megabitsPerSecond === null) return;
    const limit = ['tbf', 'rate', `${megabitsPerSecond}mbit`, 'burst', '64kb', 'latency', '400ms'];
    this.#at(name, ['tc', 'qdisc', 'add', ...link, ...limit]);
  }

  /** Ends what cut, lose and part did. */
  mend(name: string): void {
    spawnSync('ip', ['netns', 'exec', this.#namespace(name), 'nft', 'delete', 'table', 'inet', 'faults'], words);
  }

  make(): void {
    const lines = [...this.#hosts.values()].flatMap(({ name, address }, index) => {
      const namespace = this.#namespace(name);
      const port = `port${index}`;
      return [
        `ip netns add ${namespace}`,
        `ip link add eth0 netns ${namespace} type veth peer name ${port} netns ${this.#switch}`,
        `ip -n ${this.#switch} link set ${port} master switch up`,
        `ip -n ${namespace} addr add ${address}/24 dev eth0`,
        `ip -n ${namespace} link set lo up`,
        `ip -n ${namespace} link set eth0 up`,
      ];
    });
    const begin = [`ip netns add ${this.#switch}`, `ip -n ${this.#switch} link add switch type bridge`];
    for (const line of [...begin, `ip -n ${this.#switch} link set switch up`, ...lines]) run(line.split(' '));
  }

  /** Processes that still run there keep running, without a network. */
  remove(): void {
    for (const name of [...this.#hosts.keys(), 'switch']) spawnSync('ip', ['netns', 'del', this.#namespace(name)], words);
  }

  get #switch(): string {
    return this.#namespace('switch');
  }

  #namespace(name: string): string {
    return `${this.#prefix}-${name}`;
  }

  #drop(name: string, when: string): void {
    this.#rules(name, [`in ${when}drop`, `out ${when}drop`]);
  }

  /** Instead of the rules before. */
  #rules(name: string, rules: readonly string[]): void {
    this.mend(name);
    const chains = ['in { type filter hook input priority 0; }', 'out { type filter hook output priority 0; }'];
    const made = ['add table inet faults', ...chains.map((chain) => `add chain inet faults ${chain}`)];
    const added = rules.map((rule) => `add rule inet faults ${rule}`);
    // Loopback is the host's own.
    const local = ['add rule inet faults in iif lo accept', 'add rule inet faults out oif lo accept'];
    this.#at(name, ['nft', [...made, ...local, ...added].join('; ')]);
  }

  #at(name: string, command: readonly string[]): void {
    run(['ip', 'netns', 'exec', this.#namespace(name), ...command]);
  }
}

function run([file = '', ...given]: readonly string[]): void {
  execFileSync(file, given, words);
}

let made = 0;

/** Hosts with the addresses 192.0.2.1, .2 and so on, in this order. */
export function makeNetwork(context: { after(done: () => void): void }, names: readonly string[]): TestNetwork {
  made += 1;
  const network = new TestNetwork(`tv${process.pid}-${made}`, names);
  context.after(() => network.remove());
  network.make();
  return network;
}
