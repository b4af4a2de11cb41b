/* The primitives of the platform that the code runs on, see ports/primitives.ts. */

import { primitives as chosen, primitivesReady as ready } from '#primitives';
import type { Primitives } from './ports/primitives.ts';

export const primitives: Primitives = chosen;

/** Await it once before the first zstd call in a browser; on Node it has resolved already. */
export const primitivesReady: Promise<void> = ready;
