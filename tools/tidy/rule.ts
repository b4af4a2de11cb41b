/*
 * What a tidy rule is. A rule looks at the repository and returns findings; each says what to do, and the rule says why.
 */

import type { Repository } from './repository.ts';

export interface Finding {
  /** Path from the repository's root. */
  readonly path: string;
  /** Counted from 1; left out when the whole file is meant. */
  readonly line?: number;
  /** What is wrong and what to do about it, one sentence or two. */
  readonly message: string;
}

export interface Rule {
  readonly name: string;
  readonly why: string;
  check(repository: Repository): Finding[] | Promise<Finding[]>;
}

/** Findings of one rule as a person reads them: each with its place, then once why the rule exists. */
export function describeFindings(rule: Rule, findings: readonly Finding[]): string {
  const lines = findings.map(({ path, line, message }) => `${path}${line === undefined ? '' : `:${line}`}: ${message}`);
  return [...lines, `(${rule.name}: ${rule.why})`].join('\n');
}
