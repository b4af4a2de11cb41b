import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routePath, routes } from './routes.ts';

test('a path has its parameters, and its query escaped', () => {
  assert.equal(routePath('site'), '/site');
  assert.equal(routePath('putPack', { safe: 'aa', session: 'bb', name: 'cc' }), '/safes/aa/sessions/bb/packs/cc');
  const query = { job: 'Ää & b/c', after: undefined };
  assert.equal(routePath('records', { safe: 'aa' }, query), '/safes/aa/records?job=%C3%84%C3%A4%20%26%20b%2Fc');
});

test('no two requests are the same, and only what carries something has a body', () => {
  const all = Object.values(routes).map(({ method, path }) => `${method} ${path}`);
  assert.equal(new Set(all).size, all.length);
  for (const { method, path, bodyBytesMax } of Object.values(routes)) {
    if (['GET', 'HEAD', 'DELETE'].includes(method)) assert.equal(bodyBytesMax, 0, path);
  }
});
