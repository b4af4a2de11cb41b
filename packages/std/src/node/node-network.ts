/*
 * The network port on Node. What it is made of is loaded with the first request: node:http brings all of Node's fetch along,
 * 40 ms of each command that needs no network.
 */
import type { NodeNetwork, NodeNetworkOptions } from './network-options.ts';

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
