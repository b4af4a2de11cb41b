import type { Platform } from '../ports/platform.ts';
import { nodeDatabases } from './node-databases.ts';
import { nodeFiles } from './node-files.ts';
import type { NodeNetworkOptions } from './network-options.ts';
import { nodeNetwork } from './node-network.ts';
import { nodeThreads } from './node-threads.ts';
import { systemClock } from './system-clock.ts';
import { systemProcesses } from './system-processes.ts';
import { systemRandom } from './system-random.ts';
import { systemTimers } from './system-timers.ts';

/** All ports of this machine; an app calls it once. */
export function nodePlatform(options: { readonly network?: NodeNetworkOptions } = {}): Platform {
  return {
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    files: nodeFiles,
    threads: nodeThreads,
    databases: nodeDatabases,
    network: nodeNetwork(options.network),
    processes: systemProcesses,
  };
}
