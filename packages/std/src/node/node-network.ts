/*
 * The network port on Node. What it is made of is loaded with the first request: node:http brings all of Node's fetch along,
 * 40 ms of each command that needs no network.
 */
import type { Network } from '../ports/network.ts';

export interface NodeNetworkOptions {
  /** Certificates (PEM) that are trusted besides, or, when `onlyTheseAuthorities`, instead of the built-in ones. */
  readonly authorities?: readonly string[];
  readonly onlyTheseAuthorities?: boolean;
  /** Connections per host; 16 when omitted. */
  readonly connectionsMax?: number;
}

export interface NodeNetwork extends Network, Disposable {}

/** Dispose it to close the kept connections. */
export function nodeNetwork(options: NodeNetworkOptions = {}): NodeNetwork {
  let loaded: Promise<NodeNetwork> | null = null;
  const load = async (): Promise<NodeNetwork> => (await import('./http-network.ts')).httpNetwork(options);
  return {
    request: async (given) => {
      loaded ??= load();
      return await (await loaded).request(given);
    },
    [Symbol.dispose]: () => {
      // What was never loaded has no connections.
      loaded?.then(
        (network) => network[Symbol.dispose](),
        () => undefined,
      );
    },
  };
}
