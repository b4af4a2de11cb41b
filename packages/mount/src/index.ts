/* Safesets as a read-only folder on Linux: the FUSE protocol, and the tree of safesets that it shows. */
export { MountError, mountErrorCodes } from './errors.ts';
export type { MountErrorCode } from './errors.ts';
export { mountFuse } from './fuse/mount.ts';
export type { FuseMount, FuseMountOptions } from './fuse/mount.ts';
export { safesetsTree, safesetTree } from './tree/safesets-tree.ts';
export type { MountedSafeset, TreeOptions } from './tree/safesets-tree.ts';
export type { FileTree } from './tree/file-tree.ts';
