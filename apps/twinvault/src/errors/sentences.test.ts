/* Every code that a package can throw has a sentence here, so that nobody meets a bare code. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineErrorCodes } from '@twinvault/engine';
import { formatErrorCodes } from '@twinvault/format';
import { mountErrorCodes } from '@twinvault/mount';
import { protocolErrorCodes } from '@twinvault/protocol';
import { sealErrorCodes } from '@twinvault/seal';
import { sourcesErrorCodes } from '@twinvault/sources';
import { stdErrorCodes } from '@twinvault/std';
import { vaultErrorCodes } from '@twinvault/vault';
import { sentences } from './sentences.ts';

/** What only a programming error of ours could bring out. */
const internal = new Set(['catalog-entry-invalid', 'catalog-order']);
/** What a verification finds and nobody throws. */
const findings = new Set(['refs-mismatch']);
/** Codes of single entries: output/entry-errors.ts. */
const ofEntries = /^entry-|^metadata-/u;

const codes: Readonly<Record<string, unknown>> = {
  ...stdErrorCodes,
  ...formatErrorCodes,
  ...sealErrorCodes,
  ...protocolErrorCodes,
  ...engineErrorCodes,
  ...sourcesErrorCodes,
  ...mountErrorCodes,
  ...vaultErrorCodes,
};

test('each code of each package has a sentence', () => {
  const missing = Object.keys(codes).filter((code) => !(code in sentences) && !internal.has(code) && !ofEntries.test(code));
  assert.deepEqual(missing, []);
});

test('no sentence is left over', () => {
  assert.deepEqual(
    Object.keys(sentences).filter((code) => !(code in codes) && !findings.has(code)),
    [],
  );
});
