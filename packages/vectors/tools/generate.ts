/*
 * Makes the files of vectors under data:
 *
 *   node packages/vectors/tools/generate.ts           writes what is not there yet
 *   node packages/vectors/tools/generate.ts --check   writes nothing; fails unless all files are as they would be made
 *
 * A vector that stands is never changed and never taken away: others may have tested against it. New ones are put at the end
 * of their file. A vector that was wrong is taken out by hand, with an ADR, and only before the version that it is for is
 * released.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { VectorFile } from '../src/vector.ts';
import { vectorFiles } from './files.ts';
import { sealedVectorFiles } from './sealed-files.ts';

const folder = fileURLToPath(new URL('../data/v1/', import.meta.url));

/** What stands, then what is new; throws when something that stands would be another. */
function appended(name: string, standing: VectorFile | null, made: VectorFile): VectorFile {
  if (standing === null) return made;
  const byName = new Map(made.vectors.map((vector) => [vector.name, vector]));
  for (const vector of standing.vectors) {
    if (JSON.stringify(byName.get(vector.name)) !== JSON.stringify(vector)) {
      throw new Error(`${name}: the vector "${vector.name}" stands and would be changed`);
    }
  }
  for (const [key, hex] of Object.entries(standing.shared ?? {})) {
    if (made.shared?.[key] !== hex) throw new Error(`${name}: the shared item "${key}" stands and would be changed`);
  }
  const known = new Set(standing.vectors.map((vector) => vector.name));
  return { ...made, vectors: [...standing.vectors, ...made.vectors.filter((vector) => !known.has(vector.name))] };
}

function textOf(file: VectorFile): string {
  const { vectors, shared, ...head } = file;
  const lines = [
    ...Object.entries(head).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)},`),
    ...(shared === undefined ? [] : [`  "shared": ${indented(JSON.stringify(shared, null, 2))},`]),
    '  "vectors": [',
    vectors.map((vector) => `    ${JSON.stringify(vector)}`).join(',\n'),
    '  ]',
  ];
  return `{\n${lines.join('\n')}\n}\n`;
}

function indented(text: string): string {
  return text.replaceAll('\n', '\n  ');
}

/** Names of the files that are not as they would be made; writes them unless told not to. */
export async function generate({ write }: { readonly write: boolean }): Promise<string[]> {
  const stale: string[] = [];
  mkdirSync(folder, { recursive: true });
  for (const [name, make] of Object.entries({ ...vectorFiles, ...sealedVectorFiles })) {
    const path = `${folder}${name}.json`;
    const before = existsSync(path) ? readFileSync(path, 'utf8') : null;
    const text = textOf(appended(name, before === null ? null : (JSON.parse(before) as VectorFile), await make()));
    if (text === before) continue;
    stale.push(name);
    if (write) writeFileSync(path, text);
  }
  return stale;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const write = !process.argv.includes('--check');
  const stale = await generate({ write });
  process.stdout.write(stale.length === 0 ? 'all vectors stand\n' : `${write ? 'written' : 'stale'}: ${stale.join(', ')}\n`);
  if (!write && stale.length > 0) process.exitCode = 1;
}
