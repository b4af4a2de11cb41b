/*
 * Compiles wasm/pages.ts and writes src/pages/pages-wasm.ts: `node packages/seal/tests/build-pages.ts`. The compiler is
 * pinned, so the same source gives the same bytes; a test compiles again and compares.
 */

import { Buffer as NodeBuffer } from 'node:buffer';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { main } from 'assemblyscript/asc';

const source = fileURLToPath(new URL('../wasm/pages.ts', import.meta.url));
const target = fileURLToPath(new URL('../src/pages/pages-wasm.ts', import.meta.url));
const flags = ['-O3', '--runtime', 'stub', '--noAssert', '--importMemory', '--enable', 'simd'];

/** The module's bytes. Throws with the compiler's messages if the source does not compile. */
export async function compilePages(): Promise<Uint8Array> {
  const outputs = new Map<string, Uint8Array | string>();
  const { error } = await main(['pages.ts', '--outFile', 'pages.wasm', ...flags], {
    readFile: (name) => (name === 'pages.ts' ? readFileSync(source, 'utf8') : null),
    writeFile: (name, contents) => void outputs.set(name, contents),
    listFiles: () => [],
  });
  const module = outputs.get('pages.wasm');
  if (error !== null || !(module instanceof Uint8Array)) throw new Error('wasm/pages.ts does not compile', { cause: error });
  return module;
}

/** The text of src/pages/pages-wasm.ts. */
export function pagesWasmSource(module: Uint8Array): string {
  const lines =
    NodeBuffer.from(module)
      .toString('base64')
      .match(/.{1,120}/g) ?? [];
  return [
    '/* Made by tests/build-pages.ts from wasm/pages.ts; do not edit. */',
    '',
    'export const pagesWasmBase64: string = [',
    ...lines.map((line) => `  '${line}',`),
    "].join('');",
    '',
  ].join('\n');
}

if (import.meta.main) writeFileSync(target, pagesWasmSource(await compilePages()));
