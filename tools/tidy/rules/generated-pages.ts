import { pages } from '../pages.ts';
import type { Finding, Rule } from '../rule.ts';

/** Pages that are made from the source are as they would be made now. */
export const generatedPagesRule: Rule = {
  name: 'generated-pages',
  why: 'a page that is made by hand lags behind the source it describes',
  check(repository) {
    const findings: Finding[] = [];
    for (const { path, make } of pages) {
      const wanted = make(repository);
      if (wanted === null || (repository.has(path) && repository.text(path) === wanted)) continue;
      findings.push({ path, message: 'is not what its source says: run npm run tidy -- --write and commit it.' });
    }
    return findings;
  },
};
