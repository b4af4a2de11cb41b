/* Free space and type of a file system. */

import { statfs } from 'node:fs/promises';
import type { SpaceInfo } from '../ports/files.ts';

/** Magic numbers of statfs(2), include/uapi/linux/magic.h. Other systems number their types anew at each start. */
const linuxTypes: Readonly<Record<number, string>> = {
  0x6969: 'nfs',
  0x517b: 'smb',
  0xff534d42: 'smb',
  0xfe534d42: 'smb',
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x2fc12fc1: 'zfs',
  0xca451a4e: 'bcachefs',
  0xf2f52010: 'f2fs',
  0x01021994: 'tmpfs',
  0x65735546: 'fuse',
  0x794c7630: 'overlay',
  0x00c36400: 'ceph',
  0x01021997: '9p',
  0x4d44: 'vfat',
  0x2011bab0: 'exfat',
  0x7366746e: 'ntfs',
  0x73717368: 'squashfs',
};

/** '' where unknown. */
export function fileSystemType(magic: number): string {
  if (process.platform !== 'linux') return '';
  // The field is a signed long on some machines.
  return linuxTypes[magic >>> 0] ?? '';
}

export async function fileSystemSpace(path: string): Promise<SpaceInfo> {
  const { bavail, blocks, bsize, type } = await statfs(path);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize, type: fileSystemType(type) };
}
