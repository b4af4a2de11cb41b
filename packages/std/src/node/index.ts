/*
 * The node part of std: the only place of the code base that imports node:fs, node:net, node:timers,
 * node:worker_threads and node:sqlite. Everything else is handed what it needs through ports.
 */

export { systemClock } from './system-clock.ts';
