/*
 * Compiles wasm/cutting.ts and writes src/cutting/cutting-wasm.ts: `node packages/seal/tests/build-cutting.ts`. The compiler is
 * pinned, so the same source gives the same bytes; a test compiles again and compares.
 */

import { Buffer as NodeBuffer } from 'node:buffer';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { main } from 'assemblyscript/asc';

const source = fileURLToPath(new URL('../wasm/cutting.ts', import.meta.url));
const target = fileURLToPath(new URL('../src/cutting/cutting-wasm.ts', import.meta.url));
const flags = ['-O3', '--runtime', 'stub', '--noAssert', '--importMemory', '--enable', 'simd'];

/** The module's bytes. Throws with the compiler's messages if the source does not compile. */
export async function compileCutting(): Promise<Uint8Array> {
  const outputs = new Map<string, Uint8Array | string>();
  const { error } = await main(['cutting.ts', '--outFile', 'cutting.wasm', ...flags], {
    readFile: (name) => (name === 'cutting.ts' ? readFileSync(source, 'utf8') : null),
    writeFile: (name, contents) => void outputs.set(name, contents),
    listFiles: () => [],
  });
  const module = outputs.get('cutting.wasm');
  if (error !== null || !(module instanceof Uint8Array)) throw new Error('wasm/cutting.ts does not compile', { cause: error });
  return module;
}

/** The text of src/cutting/cutting-wasm.ts. */
export function cuttingWasmSource(module: Uint8Array): string {
  const lines =
    NodeBuffer.from(module)
      .toString('base64')
      .match(/.{1,120}/g) ?? [];
  return [
    '/* Made by tests/build-cutting.ts from wasm/cutting.ts; do not edit. */',
    '',
    'export const cuttingWasmBase64: string = [',
    ...lines.map((line) => `  '${line}',`),
    "].join('');",
    '',
  ].join('\n');
}

if (import.meta.main) writeFileSync(target, cuttingWasmSource(await compileCutting()));
