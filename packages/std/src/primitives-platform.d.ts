/* What both implementations behind the import `#primitives` export; the package's import conditions choose one. */

import type { Primitives } from './ports/primitives.ts';

export const primitives: Primitives;
/** Resolves when every call of `primitives` works: at once on Node, after loading WebAssembly in a browser. */
export const primitivesReady: Promise<void>;
