import { test } from 'node:test';
import { expectFindings } from './expect.ts';
import { secretFilesRule } from './secret-files.ts';

test('files named like secrets are found', async () => {
  const files = { '.env': '', 'config/.env.local': '', 'tls/server.pem': '', 'a/id_ed25519': '' };
  await expectFindings(secretFilesRule, files, [/^\.env:/, /^a\/id_ed25519:/, /^config\/\.env\.local:/, /^tls\/server\.pem:/]);
});

test('test data and sources pass', async () => {
  await expectFindings(secretFilesRule, { 'vectors/root.key': '', 'packages/seal/src/key.ts': '' }, []);
});
