import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultStateDirectory } from './state-directory.ts';

const person = { platform: 'linux', environment: {}, home: '/people/anna', userId: 1000 };

test('each platform has its place', () => {
  assert.equal(defaultStateDirectory(person), '/people/anna/.local/state/twinvault');
  assert.equal(defaultStateDirectory({ ...person, userId: 0 }), '/var/lib/twinvault');
  assert.equal(defaultStateDirectory({ ...person, environment: { XDG_STATE_HOME: '/state' } }), '/state/twinvault');
  assert.equal(
    defaultStateDirectory({ ...person, environment: { XDG_STATE_HOME: 'relative' } }),
    '/people/anna/.local/state/twinvault',
  );
  assert.equal(defaultStateDirectory({ ...person, platform: 'darwin' }), '/people/anna/Library/Application Support/Twinvault');
});
