/*
 * Files that import each other in a circle. Types count: whoever reads one file of a circle has to read them all.
 */

import { posix } from 'node:path';
import type { Repository } from '../repository.ts';
import type { Finding, Rule } from '../rule.ts';
import { importsOf } from '../source.ts';

interface Step {
  readonly to: string;
  readonly line: number;
}

/** Packages cannot form circles (the import table has none), so relative imports are all that has to be followed. */
export const importCirclesRule: Rule = {
  name: 'import-circles',
  why: 'files that import each other in a circle can only be understood, tested and moved together',
  check(repository) {
    const sources = repository.paths.filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'));
    const graph = new Map(sources.map((path) => [path, stepsFrom(repository, path)]));
    const findings: Finding[] = [];
    const told = new Set<string>();
    for (const path of sources) {
      if (told.has(path)) continue;
      const circle = shortestCircle(graph, path);
      if (circle === null) continue;
      for (const { to } of circle) told.add(to);
      const way = [path, ...circle.map(({ to }) => to)].join(' -> ');
      const message = `imports in a circle: ${way}. Move what they share to a file of its own.`;
      findings.push({ path, line: circle[0]?.line ?? 1, message });
    }
    return findings;
  },
};

function stepsFrom(repository: Repository, path: string): Step[] {
  return importsOf(repository, path)
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier, line }) => ({ to: posix.join(posix.dirname(path), specifier), line }));
}

/** The steps of the shortest way from a file back to itself; null when there is none. */
function shortestCircle(graph: ReadonlyMap<string, readonly Step[]>, start: string): Step[] | null {
  const seen = new Set<string>();
  let ways: Step[][] = [[]];
  while (ways.length > 0) {
    const longer: Step[][] = [];
    for (const way of ways) {
      for (const step of graph.get(way.at(-1)?.to ?? start) ?? []) {
        if (step.to === start) return [...way, step];
        if (seen.has(step.to)) continue;
        seen.add(step.to);
        longer.push([...way, step]);
      }
    }
    ways = longer;
  }
  return null;
}
