import type { Repository } from './repository.ts';

const textExtensions = /\.(ts|tsx|mjs|cjs|js|json|md|sh|cmd|yml|yaml|html|css|txt|sql|svg|service)$|(^|\/)[^.]+$|\.[a-z]+rc$/;

/** Bytes that tests read as they are: neither wording nor paths in them are ours. */
export function isTestData(path: string): boolean {
  return /^(vectors|fixtures|packages\/vectors\/data)\//.test(path);
}

/** Tracked files that people wrote, with their lines; the lockfile and test data are left out. */
export function* writtenLines(repository: Repository): Generator<{ path: string; lines: string[] }> {
  for (const path of repository.paths) {
    if (!textExtensions.test(path) || isTestData(path) || path === 'package-lock.json') continue;
    const text = repository.text(path);
    if (!text.includes('\0')) yield { path, lines: text.split('\n') };
  }
}
