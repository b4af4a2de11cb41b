import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeBase64 } from '../src/cutting/cutting-module.ts';
import { cuttingWasmBase64 } from '../src/cutting/cutting-wasm.ts';
import { compileCutting } from './build-cutting.ts';

test('the committed module is what the pinned compiler makes of wasm/cutting.ts, byte for byte', async () => {
  const module = await compileCutting();
  assert.deepEqual(Buffer.from(decodeBase64(cuttingWasmBase64)), Buffer.from(module));
  assert.ok(module.length < 4096, 'browsers compile larger modules only asynchronously on the main thread');
});
