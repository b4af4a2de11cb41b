/* What users run, built from the source as it is: what is measured is this. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import type { SourceMapPayload } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'build/twinvault');

export interface Published {
  readonly launcher: string;
  /** URL of the source file that this place in the bundle comes from; what is not in the bundle as it is. Lines and columns from 0. */
  readonly sourceOf: (url: string, line: number, column: number) => string;
}

let built: Published | null = null;

/** Builds it at the first call. */
export function published(): Published {
  built ??= build();
  return built;
}

function build(): Published {
  execFileSync(process.execPath, [join(root, 'tools/build/run.ts'), folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  const map = new SourceMap(JSON.parse(readFileSync(join(folder, 'twinvault.cjs.map'), 'utf8')) as SourceMapPayload);
  return {
    launcher: join(folder, 'bin/twinvault'),
    sourceOf: (url, line, column) => {
      if (!url.endsWith('/twinvault.cjs')) return url;
      const entry = map.findEntry(line, column);
      return 'originalSource' in entry ? new URL(`../../${entry.originalSource}`, import.meta.url).href : url;
    },
  };
}
