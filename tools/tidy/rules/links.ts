import { posix } from 'node:path';
import type { Repository } from '../repository.ts';
import type { Finding, Rule } from '../rule.ts';

/** Every relative link of a Markdown page leads to a tracked file or folder, and its anchor to a heading there. */
export const linksRule: Rule = {
  name: 'links',
  why: 'a page that points nowhere is worse than no page',
  check(repository) {
    const findings: Finding[] = [];
    for (const path of repository.paths) {
      if (!path.endsWith('.md')) continue;
      for (const { target, line } of linksOf(repository.text(path))) {
        const message = objection(repository, path, target);
        if (message !== null) findings.push({ path, line, message });
      }
    }
    return findings;
  },
};

/** The page's lines with code left blank, so that line numbers stay. */
function prose(text: string): string[] {
  let fenced = false;
  return text.split('\n').map((line) => {
    const fence = /^\s*(```|~~~)/.test(line);
    if (fence) fenced = !fenced;
    return fence || fenced ? '' : line.replace(/`[^`]*`/g, (code) => ' '.repeat(code.length));
  });
}

function linksOf(text: string): { target: string; line: number }[] {
  const links: { target: string; line: number }[] = [];
  for (const [index, line] of prose(text).entries()) {
    for (const match of line.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)|^\[[^\]]+\]:\s+(\S+)/g)) {
      const target = match[1] ?? match[2];
      if (target !== undefined) links.push({ target, line: index + 1 });
    }
  }
  return links;
}

function objection(repository: Repository, from: string, target: string): string | null {
  if (/^[a-z][a-z0-9+.-]*:/.test(target)) return null;
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? from : posix.normalize(posix.join(posix.dirname(from), decodeURIComponent(file)));
  const folder = path.replace(/\/?$/, '/');
  const isFolder = repository.paths.some((candidate) => candidate.startsWith(folder));
  if (!repository.has(path) && !isFolder) return `${target} leads to nothing: there is no ${path}.`;
  if (anchor === undefined || !path.endsWith('.md')) return null;
  return anchorsOf(repository.text(path)).has(anchor) ? null : `${path} has no heading #${anchor}.`;
}

function anchorsOf(text: string): Set<string> {
  const seen = new Map<string, number>();
  const anchors = new Set<string>();
  for (const line of text.split('\n')) {
    const heading = /^#{1,6}\s+(.*)$/.exec(line)?.[1];
    if (heading === undefined) continue;
    const slug = heading
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    anchors.add(count === 0 ? slug : `${slug}-${count}`);
  }
  return anchors;
}
