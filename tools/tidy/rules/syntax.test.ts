import { test } from 'node:test';
import { expectFindings } from './expect.ts';
import { syntaxRule } from './syntax.ts';

const path = 'packages/vault/src/a.ts';

test('export * and default exports are found', async () => {
  await expectFindings(syntaxRule, { [path]: `export * from './b.ts';\nexport default 1;` }, [
    /:1 list the names/,
    /:2 export by name/,
  ]);
  await expectFindings(syntaxRule, { [path]: `export { b } from './b.ts';` }, []);
});

test('new Date() reads a clock, new Date(ms) does not', async () => {
  await expectFindings(syntaxRule, { [path]: 'const a = new Date(5);\nconst b = new Date();' }, [/:2 time is a port/]);
  await expectFindings(syntaxRule, { 'packages/vault/src/a.test.ts': 'const b = new Date();' }, []);
});

test('another language in an assembly folder is left alone', async () => {
  await expectFindings(syntaxRule, { 'packages/seal/assembly/gear.ts': 'export default 1;' }, []);
});
