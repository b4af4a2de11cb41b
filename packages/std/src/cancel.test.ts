import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkAbort, onAbort } from './cancel.ts';

test('a listener hears the reason once, at once when it is too late, never when it stopped', () => {
  const controller = new AbortController();
  const heard: unknown[] = [];
  const stopped: unknown[] = [];
  onAbort(controller.signal, (reason) => heard.push(reason));
  onAbort(controller.signal, (reason) => stopped.push(reason))();
  controller.abort('why');
  onAbort(controller.signal, (reason) => heard.push(reason));
  onAbort(undefined, (reason) => stopped.push(reason))();
  assert.deepEqual(heard, ['why', 'why']);
  assert.deepEqual(stopped, []);
});

test('a linked signal aborts with any parent, alone by itself, and lets go', () => {
  const parent = new AbortController();
  const child = linkAbort(parent.signal, undefined);
  child.abort('mine');
  assert.equal(child.signal.reason, 'mine');
  assert.equal(parent.signal.aborted, false);
  const second = linkAbort(new AbortController().signal, parent.signal);
  const third = linkAbort(parent.signal);
  third[Symbol.dispose]();
  parent.abort('parent');
  assert.equal(second.signal.reason, 'parent');
  assert.equal(third.signal.aborted, false);
});
