import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeCbor } from '@twinvault/format';
import { CodedError, equalBytes, toHex } from '@twinvault/std';
import { memoryPlatform } from '@twinvault/testkit';
import { safeId } from '@twinvault/format';
import { openAgentState } from './agent-state.ts';
import { encodeSettings, parseSettings, settingsDefault } from './settings.ts';

test('settings come back as they were saved, and are the defaults before', async () => {
  const platform = memoryPlatform();
  const id = safeId(new Uint8Array(16).fill(7));
  using state = openAgentState({ path: '/state', platform }).safe(id);
  assert.deepEqual(await state.settings(), settingsDefault);
  await state.saveSettings({ reuse: 'computer' });
  assert.deepEqual(await state.settings(), { reuse: 'computer' });
  await state.saveSettings({ reuse: 'safe' });
  assert.deepEqual(await state.settings(), { reuse: 'safe' });
  await platform.files.replace(`/state/safes/${toHex(id)}/settings`, [new Uint8Array([0xff])]);
  await assert.rejects(state.settings(), { code: 'settings-damaged' });
});

test('another version and other words are no settings', () => {
  const refused = [
    { reuse: 'computer', twinvault: 'computer settings v2' },
    { reuse: 'vault', twinvault: 'computer settings v1' },
    { twinvault: 'computer settings v1' },
    { more: 1, reuse: 'safe', twinvault: 'computer settings v1' },
  ];
  for (const value of refused) assert.throws(() => parseSettings(encodeCbor(value)), { code: 'object-invalid' });
});

test('whatever bytes stand there: settings or a code', () => {
  const good = encodeSettings({ reuse: 'computer' });
  const damaged = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, mask]) => {
    const bytes = good.slice();
    bytes[at] = (bytes[at] ?? 0) ^ mask;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), damaged), (bytes) => {
      try {
        assert.ok(equalBytes(encodeSettings(parseSettings(bytes)), bytes));
      } catch (error) {
        assert.ok(error instanceof CodedError);
      }
    }),
  );
});
