/*
 * Pages of the repository that are made from its source: `npm run tidy -- --write` makes them, a rule holds them.
 */

import type { Repository } from './repository.ts';
import { decisionsPage } from './pages/decisions.ts';
import { errorsPage } from './pages/errors.ts';
import { noticesPage } from './pages/notices.ts';

export interface Page {
  readonly path: string;
  /** The whole text of the page; null where it cannot be made (a repository in memory has no installed packages). */
  readonly make: (repository: Repository) => string | null;
}

export const pages: readonly Page[] = [decisionsPage, errorsPage, noticesPage];
