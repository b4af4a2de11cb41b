import type { Finding, Rule } from '../rule.ts';

const linesMax = 600;
const fileBytesMax = 512 * 1024;

/** No source file of more than 600 lines, no tracked file of more than 512 KiB. */
export const sizesRule: Rule = {
  name: 'sizes',
  why: 'a file that everything is added to is one that nobody reads; a large file stays in every clone for ever',
  check(repository) {
    const findings: Finding[] = [];
    for (const path of repository.paths) {
      const sizeBytes = repository.sizeBytes(path);
      if (sizeBytes > fileBytesMax) {
        const message = `${sizeBytes} bytes, at most ${fileBytesMax}: make it when it is needed, or keep a smaller one.`;
        findings.push({ path, message });
      } else if (/\.(tsx?|mjs)$/.test(path)) {
        const lines = repository.text(path).split('\n').length - 1;
        if (lines > linesMax) findings.push({ path, message: `${lines} lines, at most ${linesMax}: split it by task.` });
      }
    }
    return findings;
  },
};
