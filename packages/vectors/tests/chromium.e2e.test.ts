/*
 * Proves that format and seal do in a browser what they do in Node: every golden vector, in headless Chromium, with the browser's primitives of std. The
 * sources are the ones that Node runs, served as modules with their types taken out.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chromiumPath, openChromium } from './browser/chromium.ts';
import { servePage } from './browser/serve.ts';
import type { CheckedFile } from './check-vectors.ts';
import { vectorFiles } from './check-vectors.ts';

const missing = chromiumPath === null && 'no Chromium on this machine (Debian: apt-get install chromium)';

test('every golden vector in Chromium', { skip: missing, timeout: 120_000 }, async (t) => {
  assert.ok(chromiumPath !== null);
  await using page = await servePage('packages/vectors/tests/browser/page.ts');
  await using chromium = openChromium(chromiumPath, page.url);
  const checked = JSON.parse(await Promise.race([page.answer, chromium.ended])) as readonly CheckedFile[];
  const expected = Object.entries(vectorFiles).map(([name, file]) => ({ name, vectors: file.vectors.length, failures: [] }));
  assert.deepEqual(checked, expected);
  t.diagnostic(`${checked.reduce((sum, { vectors }) => sum + vectors, 0)} vectors in ${checked.length} files`);
});
