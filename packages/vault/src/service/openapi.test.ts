/* The description that a site gives of itself, held to what it does and to the page that people read. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { routes } from '@twinvault/protocol/wire';
import { openApi } from './openapi.ts';

const page = readFileSync(new URL('../../../../docs/protocol/README.md', import.meta.url), 'utf8');
const document = openApi('/a') as { paths: Record<string, Record<string, { operationId: string; responses: object }>> };

test('every route stands in the document under its name, with answers and refusals', () => {
  for (const [name, { method, path }] of Object.entries(routes)) {
    const operation = document.paths[path]?.[method.toLowerCase()];
    assert.equal(operation?.operationId, name);
    assert.ok(Object.keys(operation.responses).length >= 2, name);
  }
});

/** `METHOD path` to verb, as the page's table of resources says it: `…` stands for the safe, or for the session or reading of the rows before. */
function saidOnThePage(): Map<string, string> {
  const said = new Map<string, string>();
  let base = '';
  for (const line of page.split('\n')) {
    const [, places = '', , verb = ''] = line.split(' | ').length === 3 ? ['', ...line.split(' | ')] : [];
    const waiting: string[] = [];
    for (const [, method = '', given] of places.matchAll(/`(GET|HEAD|PUT|POST|DELETE)(?: ([^`]+))?`/gu)) {
      waiting.push(method);
      if (given === undefined) continue;
      const path = given.replace(/\?.*/u, '');
      const whole = path.replace(/^…(?=\/(?:sessions|readings)\/)/u, '/safes/{safe}').replace(/^…/u, base);
      if (/\{(?:session|reading)\}$/u.test(whole)) base = whole;
      for (const one of waiting.splice(0)) said.set(`${one} ${whole}`, verb.replaceAll(/[`| ]/gu, ''));
    }
  }
  return said;
}

test('docs/protocol says every route with its verb, and no other', () => {
  const said = saidOnThePage();
  const there = new Map(
    Object.values(routes)
      .filter(({ verb }) => verb !== null)
      .map(({ method, path, verb }) => [`${method} ${path}`, verb]),
  );
  assert.deepEqual(Object.fromEntries(said), Object.fromEntries(there));
});

test('it is made of plain JSON', () => {
  assert.deepEqual(JSON.parse(JSON.stringify(document)).paths['/site'].get.operationId, 'site');
});
