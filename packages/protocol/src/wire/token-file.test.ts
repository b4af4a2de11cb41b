import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { utf8Encode } from '@twinvault/std';
import { ProtocolError } from '../errors.ts';
import { encodeTokenFile, parseTokenFile } from './token-file.ts';

const pin = `sha256:${'0f'.repeat(32)}`;
const authorities = '-----BEGIN CERTIFICATE-----\nMIIB+/==\n-----END CERTIFICATE-----\n';
const file = { vault: 'https://backup.example:8443/a', pins: [pin], capability: 'eyJ.e30.x-_' };

function isRefusal(error: unknown): boolean {
  return error instanceof ProtocolError && error.code === 'token-file-invalid';
}

test('a token file comes back as it was', () => {
  for (const vault of ['https://backup.example', 'https://[2001:db8::1]:8443', 'http://127.0.0.1:80/b/c']) {
    const given = { ...file, vault, pins: vault.startsWith('https') ? [pin, pin] : [] };
    assert.deepEqual(parseTokenFile(encodeTokenFile(given)), given);
  }
  const byAuthorities = { ...file, pins: [], authorities };
  assert.deepEqual(parseTokenFile(encodeTokenFile(byAuthorities)), byAuthorities);
});

test('what no client could use is neither written nor read', () => {
  const wrong = [
    { vault: 'backup.example' },
    { vault: 'ftp://backup.example' },
    { vault: 'https://ada:secret@backup.example' },
    { vault: 'https://backup.example/' },
    { vault: 'https://backup.example/?a' },
    { pins: ['0f'] },
    { pins: Array.from({ length: 9 }, () => pin) },
    { capability: 'eyJ.e30' },
    { capability: '' },
    { authorities },
    { pins: [], authorities: '' },
    { pins: [], authorities: 'certificate' },
    { pins: [], authorities: authorities.replace('MIIB', 'M"B') },
    { pins: [], authorities: authorities.replace('MIIB', 'M'.repeat(13_000)) },
  ];
  for (const more of wrong) assert.throws(() => encodeTokenFile({ ...file, ...more }), isRefusal, JSON.stringify(more));
  const text = JSON.stringify({ twinvault: 'token', format: 1, ...file });
  parseTokenFile(utf8Encode(text));
  for (const spoiled of [
    text.slice(1),
    text.replace('"token"', '"vault"'),
    text.replace('1', '2'),
    text.replace('"pins"', '"pin"'),
  ]) {
    assert.throws(() => parseTokenFile(utf8Encode(spoiled)), isRefusal, spoiled);
  }
  assert.throws(() => parseTokenFile(new Uint8Array(100_000)), isRefusal);
});

test('any other bytes are refused', () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => assert.throws(() => parseTokenFile(bytes), isRefusal)));
  fc.assert(fc.property(fc.json(), (text) => assert.throws(() => parseTokenFile(utf8Encode(text)), isRefusal)));
});
