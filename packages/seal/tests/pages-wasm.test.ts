import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeBase64 } from '../src/cutting/cutting-module.ts';
import { pagesWasmBase64 } from '../src/pages/pages-wasm.ts';
import { compilePages } from './build-pages.ts';

test('the committed module is what the pinned compiler makes of wasm/pages.ts, byte for byte', async () => {
  const module = await compilePages();
  assert.deepEqual(Buffer.from(decodeBase64(pagesWasmBase64)), Buffer.from(module));
  assert.ok(module.length < 4096, 'browsers compile larger modules only asynchronously on the main thread');
});
