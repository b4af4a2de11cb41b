/*
 * What every bench needs: CPU time of a stretch of work, repeated, and a table. CPU seconds, because machines are shared and
 * clocks lie; the median of the rounds, because a machine is never quiet.
 */

import { arch, cpus, platform } from 'node:os';

export interface Measured {
  /** User and kernel time of the median round. */
  readonly cpuSeconds: number;
  readonly rounds: number;
}

/** Runs the work `rounds` times after once for warming up. */
export async function measure(rounds: number, work: () => unknown): Promise<Measured> {
  await work();
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const started = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(started);
    seconds.push((user + system) / 1e6);
  }
  seconds.sort((a, b) => a - b);
  return { cpuSeconds: seconds[rounds >> 1] ?? 0, rounds };
}

/** Columns of equal width, the first to the left, numbers to the right; then the machine. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows) {
    const cells = row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)));
    process.stdout.write(`${cells.join('  ')}\n`);
  }
  process.stdout.write(
    `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, ${platform()} ${arch()}, Node ${process.version}\n`,
  );
}
