/* The machine in a line: no measured number means anything without it. */

import { cpus, release, totalmem } from 'node:os';

export function machine(): string {
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  return `${cpus().length} x ${cpus()[0]?.model ?? 'processor'}, ${memory} GiB, Linux ${release()}, Node ${process.versions.node}`;
}
