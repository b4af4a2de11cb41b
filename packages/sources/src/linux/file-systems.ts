/*
 * Which file systems a scan does not descend into on its own: what the kernel makes up, and what lives until the next
 * start only. A root named inside one is scanned all the same. Numbers: linux/magic.h and the file systems' sources.
 */
import { keyOf } from '../paths.ts';

/** Magic number of statfs(2) to name: never held anybody's files. */
export const pseudoFileSystems: ReadonlyMap<number, string> = new Map([
  [0x9fa0, 'proc'],
  [0x62656572, 'sysfs'],
  [0x1cd1, 'devpts'],
  [0x27e0eb, 'cgroup'],
  [0x63677270, 'cgroup2'],
  [0x64626720, 'debugfs'],
  [0x74726163, 'tracefs'],
  [0x73636673, 'securityfs'],
  [0x6165676c, 'pstore'],
  [0xde5e81e4, 'efivarfs'],
  [0xcafe4a11, 'bpf'],
  [0x62656570, 'configfs'],
  [0x65735543, 'fusectl'],
  [0x19800202, 'mqueue'],
  [0x958458f6, 'hugetlbfs'],
  [0x42494e4d, 'binfmt_misc'],
  [0x0187, 'autofs'],
  [0x6e736673, 'nsfs'],
  [0x67596969, 'rpc_pipefs'],
  [0x6e667364, 'nfsd'],
  [0xf97cff8c, 'selinuxfs'],
  [0x43415d53, 'smackfs'],
  [0x50495045, 'pipefs'],
  [0x534f434b, 'sockfs'],
]);

/** tmpfs (also what the kernel mounts as /dev) and ramfs: left out under these directories, taken elsewhere. */
const memoryFileSystems: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);
const memoryDirectories: readonly string[] = ['dev', 'run', 'var\0run', 'var\0lock'];

/** Whether a mount with this magic number at this directory path is left out. */
export function isLeftOut(magic: number, directory: Uint8Array): boolean {
  if (pseudoFileSystems.has(magic)) return true;
  if (!memoryFileSystems.has(magic)) return false;
  const key = keyOf(directory);
  return memoryDirectories.some((known) => key === known || key.startsWith(`${known}\0`));
}

/** Kept to the jiffy by the kernel: 10 ms at its coarsest clock, doubled. */
const fineNanos = 20_000_000;
/** FAT counts in two seconds; on network and FUSE file systems another machine's clock or program decides. */
const coarseNanos = 2_000_000_000;
const fineFileSystems: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4; an ext3 of old keeps whole seconds, which the nanoseconds of its times show
  0x58465342, // xfs
  0x9123683e, // btrfs
  0x01021994, // tmpfs
  0x2fc12fc1, // zfs
  0xf2f52010, // f2fs
  0xca451a4e, // bcachefs
  0x794c7630, // overlayfs
]);

/** Those that set both times of a directory whenever a name in it comes, goes or changes, and nobody but this kernel does that. */
const timesOfNames: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // xfs
  0x9123683e, // btrfs
  0x01021994, // tmpfs
  0x2fc12fc1, // zfs
  0xf2f52010, // f2fs
]);

/** Whether the times of a directory with this magic number tell that its names are the same (decision 0055). */
export function keepsTimesOfNames(magic: number): boolean {
  return timesOfNames.has(magic);
}

/** Types as mountinfo names them, whose time stamps are fine; those that are never descended into count as such. */
const fineTypes: ReadonlySet<string> = new Set(
  'ext2 ext3 ext4 xfs btrfs tmpfs devtmpfs ramfs zfs f2fs bcachefs overlay squashfs erofs'
    .split(' ')
    .concat([...pseudoFileSystems.values()]),
);

/** How close to the start of a run a time stamp proves nothing, in ns. `ctimeNanos`: of any entry on it. */
export function granularityNanos(magic: number, ctimeNanos: number): number {
  return fineFileSystems.has(magic) && ctimeNanos !== 0 ? fineNanos : coarseNanos;
}

/** The same for a mount, of which only the type is known. */
export function granularityOfType(type: string): number {
  return fineTypes.has(type) ? fineNanos : coarseNanos;
}
