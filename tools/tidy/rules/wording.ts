import type { Finding, Rule } from '../rule.ts';
import { writtenLines } from '../text-files.ts';

interface Ban {
  readonly pattern: RegExp;
  readonly message: string;
  /** Files where it may stand. */
  readonly except?: RegExp;
}

const before = String.raw`(?:^|[^A-Za-z0-9.])`;

const bans: readonly Ban[] = [
  {
    pattern: /\b(?:TO[D]O|FIX[M]E|XX[X])\b/,
    message: 'do it now, or open an issue and leave nothing in the source.',
  },
  {
    pattern: new RegExp(String.raw`${before}/(?:root|work|farm)/`),
    message: 'a path of one machine: make it relative, or take it as an argument.',
  },
  {
    pattern: new RegExp(String.raw`${before}/(?:home|Users)/[a-z][a-z0-9-]*/`),
    message: 'a path of one machine: make it relative, or take it as an argument.',
    except: /\.md$/,
  },
  {
    pattern: /\b(?:registry|deb|security)\.[a-z]+\.(?:org|com)\b/,
    message: 'name no package registry: each machine has its own.',
  },
  {
    pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|_authToken\s*=/,
    message: 'looks like a secret: make it when the test runs, and revoke it if it was real.',
  },
];

/** Words, paths, hosts and secrets that no tracked file holds. */
export const wordingRule: Rule = {
  name: 'wording',
  why: 'the repository stands by itself on every machine, and holds nothing that is unfinished or secret',
  check(repository) {
    const findings: Finding[] = [];
    for (const { path, lines } of writtenLines(repository)) {
      for (const [index, text] of lines.entries()) {
        for (const { pattern, message, except } of bans) {
          if (except?.test(path) || !pattern.test(text)) continue;
          findings.push({ path, line: index + 1, message });
        }
      }
    }
    return findings;
  },
};
