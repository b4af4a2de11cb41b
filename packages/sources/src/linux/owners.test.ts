import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OwnerNames } from './owners.ts';

test('names and numbers of owners, both ways', { skip: process.platform !== 'linux' && 'Linux only' }, () => {
  const owners = new OwnerNames();
  assert.equal(owners.userName(0), 'root');
  assert.equal(owners.groupName(0), 'root');
  assert.equal(owners.uidOf('root'), 0);
  assert.equal(owners.gidOf('root'), 0);
  assert.equal(owners.uidOf('nobody'), 65_534);
  assert.equal(owners.userName(54_321), null);
  assert.equal(owners.groupName(4_294_967_294), null);
  for (const name of ['', 'no such user', 'root\0', 'ümlaut', 'x'.repeat(70_000)]) assert.equal(owners.uidOf(name), null);
  // The second answer comes out of memory.
  assert.equal(owners.userName(0), 'root');
});
