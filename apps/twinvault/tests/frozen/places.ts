/* Where frozen safes lie, and their names. fixtures/README.md says what they are. */

import { fileURLToPath } from 'node:url';

export const frozenFolder: string = fileURLToPath(new URL('../../../../fixtures/v1', import.meta.url));

/** One for each suite, one whose suite was raised while it was in use, and one with all that runs on Linux alone do not write. */
export const frozenNames = ['suite-1', 'suite-2', 'suite-raised', 'complete'] as const;
export type FrozenName = (typeof frozenNames)[number];

/** Of all of them: they hold nothing that is secret. */
export const frozenPassword = 'correct horse battery staple';
export const frozenLabel = 'frozen';

/** A vault with a safe and the one that took its place. */
export const frozenSuccession = 'succession';
export const successorLabel = 'frozen again';
