import { globSync } from 'node:fs';

/** Where tests live: beside the source they test, in a package's `tests` folder, and beside tools and benches. */
const testGlobs = [
  'packages/*/src/**/*.test.ts',
  'packages/*/tests/**/*.test.ts',
  'apps/*/src/**/*.test.ts',
  'apps/*/tests/**/*.test.ts',
  'tools/**/*.test.ts',
  'bench/**/*.test.ts',
];

export interface TestSelection {
  readonly root: string;
  /** Slow tests only, instead of all others. */
  readonly slow: boolean;
  /** Only files whose path begins with, or holds, one of these; all when empty. */
  readonly filters: readonly string[];
}

/** Paths of the test files under the root, sorted. */
export function selectTestFiles({ root, slow, filters }: TestSelection): string[] {
  return globSync(testGlobs, { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.slow.test.ts') === slow)
    .filter((path) => filters.length === 0 || filters.some((part) => path.includes(part)))
    .sort();
}
