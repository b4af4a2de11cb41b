import type { Repository } from './repository.ts';

export interface Page {
  readonly path: string;
  /** The whole text of the page; null where it cannot be made (a repository in memory has no installed packages). */
  readonly make: (repository: Repository) => string | null;
}
