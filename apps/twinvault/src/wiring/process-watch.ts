/**
 * Tells whether a process that held something in a vault is gone, so that a killed run is not waited for. Only processes of the same boot and
 * the same process namespace are judged; of all others nothing is known.
 */
import { primitives, toHex, utf8Encode } from '@twinvault/std';
import type { Files } from '@twinvault/std';
import type { ProcessWatch } from '@twinvault/vault';

const procBytesMax = 4096;

async function firstBytes(files: Files, path: string): Promise<Uint8Array> {
  try {
    return (await files.read(path, procBytesMax)) ?? new Uint8Array();
  } catch {
    return new Uint8Array();
  }
}

/** Null where the platform does not tell which boot and namespace this is: then leases lapse by time alone. */
export async function processWatch(files: Files): Promise<ProcessWatch | null> {
  const bootId = await firstBytes(files, '/proc/sys/kernel/random/boot_id');
  // The first process of the namespace, with the moment of its start: containers on one machine share the boot, not this.
  const first = await firstBytes(files, '/proc/1/stat');
  const startTime = new TextDecoder().decode(first).split(') ').at(-1)?.split(' ')[19];
  if (bootId.length === 0 || startTime === undefined) return null;
  const place = toHex(primitives.sha256(utf8Encode(`${new TextDecoder().decode(bootId).trim()} ${startTime}`)).subarray(0, 16));
  return { self: `${place}:${process.pid}`, isGone: (holder) => isGone(holder, place) };
}

function isGone(holder: string, place: string): boolean {
  const [where, pid] = holder.split(':');
  const number = Number(pid);
  if (where !== place || !Number.isSafeInteger(number) || number <= 0 || number === process.pid) return false;
  try {
    process.kill(number, 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}
