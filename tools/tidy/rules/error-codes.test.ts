import { test } from 'node:test';
import { errorCodesRule } from './error-codes.ts';
import { expectFindings } from './expect.ts';

const table = (name: string, rows: string): string => `export const ${name}ErrorCodes = {\n${rows}\n} as const;\n`;

test('a table in its shape passes', async () => {
  const row = `'vault-full': { retry: 'later', meaning: 'No room ' + 'is left.' },`;
  await expectFindings(errorCodesRule, { 'packages/vault/src/errors.ts': table('vault', row) }, []);
});

test('a file without its table is found', async () => {
  const files = { 'packages/vault/src/errors.ts': table('portal', '') };
  await expectFindings(errorCodesRule, files, [/it exports one table, "export const vaultErrorCodes/]);
});

test('each fault of a row is found at its line', async () => {
  const rows = [
    `'VaultFull': { retry: 'later', meaning: 'No room.' },`,
    `'vault-full': { retry: 'often', meaning: 'No room.' },`,
    `'vault-gone': { retry: 'never', meaning: 'gone' },`,
    `'vault-odd': { retry: 'never', meaning: text() },`,
  ];
  await expectFindings(errorCodesRule, { 'packages/vault/src/errors.ts': table('vault', rows.join('\n')) }, [
    /:2 a code is a word in kebab-case/,
    /:3 the retry of vault-full/,
    /:4 the meaning of vault-gone/,
    /:5 the meaning of vault-odd/,
  ]);
});

test('one code in two packages is found', async () => {
  const row = `'full': { retry: 'later', meaning: 'No room.' },`;
  const files = { 'packages/portal/src/errors.ts': table('portal', row), 'packages/vault/src/errors.ts': table('vault', row) };
  await expectFindings(errorCodesRule, files, [/vault\/src\/errors.ts:2 full stands in packages\/portal/]);
});
