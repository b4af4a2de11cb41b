import type { Clock, Timers } from './clock.ts';
import type { Databases } from './database.ts';
import type { Files } from './files.ts';
import type { Network } from './network.ts';
import type { Processes } from './processes.ts';
import type { Random } from './random.ts';
import type { Threads } from './threads.ts';

/** All ports together, made once by an app and handed down; each function takes only the ports that it needs. */
export interface Platform {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly files: Files;
  readonly threads: Threads;
  readonly databases: Databases;
  readonly network: Network;
  readonly processes: Processes;
}
