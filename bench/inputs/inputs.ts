/* The inputs, in the order in which they are measured. */

import type { Input } from './input.ts';
import { database, diskImage } from './large-files.ts';
import { media, office, sourceTree } from './trees.ts';

export const inputs: readonly Input[] = [sourceTree, office, media, diskImage, database];
