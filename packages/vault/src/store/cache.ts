/*
 * What a node may lose at any moment and makes anew: the index of packs, refs that were read once. It is the node's own, or shared by all
 * that use a directory; so a reader verifies whatever it finds here. Names as of an ObjectStore.
 */

import type { ObjectStore } from './object-store.ts';

export type Cache = Pick<ObjectStore, 'put' | 'get' | 'stat' | 'list' | 'folders' | 'remove' | 'clear' | 'sweep' | 'nowMs'>;
