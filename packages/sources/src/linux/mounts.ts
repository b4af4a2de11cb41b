/*
 * The mounts of this process as /proc/self/mountinfo lists them (proc_pid_mountinfo(5)). Only a help: where the list is
 * missing, nothing is known about mounts.
 */
import { parseAbsolutePath } from '../paths.ts';
import { AT_FDCWD, openFlags } from './constants.ts';
import type { System } from './system.ts';

const listPath = new Uint8Array(Buffer.from('/proc/self/mountinfo'));
/** Some machines have tens of thousands of mounts; beyond this the list is not read on. */
const listBytesMax = 64 * 1024 * 1024;
const pieceBytes = 256 * 1024;

export interface Mount {
  /** Components joined by 0x00. */
  readonly path: Uint8Array;
  /** Of the file system, for example "ext4". */
  readonly type: string;
}

/** All mounts, or none when the system does not tell. */
export function readMounts(system: System): Mount[] {
  const fd = system.openAt(AT_FDCWD, listPath, openFlags.O_RDONLY);
  if (fd < 0) return [];
  try {
    const pieces: Uint8Array[] = [];
    for (let length = 0; length < listBytesMax;) {
      const piece = new Uint8Array(pieceBytes);
      const count = system.read(fd, piece, length);
      if (count <= 0) break;
      pieces.push(piece.subarray(0, count));
      length += count;
    }
    return parseMounts(Buffer.concat(pieces).toString('latin1'));
  } finally {
    system.close(fd);
  }
}

/** Lines of mountinfo, one char per byte: fields by spaces, the fifth the path, the type after the lone "-". */
export function parseMounts(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.split(' ');
    const path = fields[4];
    const separator = fields.indexOf('-', 6);
    const type = separator < 0 ? undefined : fields[separator + 1];
    if (path === undefined || type === undefined) return [];
    // Space, tab, newline and backslash are written as three octal digits.
    const plain = path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8) & 0xff));
    const parsed = parseAbsolutePath(new Uint8Array(Buffer.from(plain, 'latin1')));
    return parsed === null ? [] : [{ path: parsed, type }];
  });
}
