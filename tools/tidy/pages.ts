/*
 * Pages of the repository that are made from its source: `npm run tidy -- --write` makes them, a rule holds them.
 */

import type { Page } from './page.ts';
import { decisionsPage } from './pages/decisions.ts';
import { errorsPage } from './pages/errors.ts';
import { noticesPage } from './pages/notices.ts';

export const pages: readonly Page[] = [decisionsPage, errorsPage, noticesPage];
