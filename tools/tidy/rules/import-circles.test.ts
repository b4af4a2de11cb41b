import { test } from 'node:test';
import { expectFindings } from './expect.ts';
import { importCirclesRule } from './import-circles.ts';

test('files that import one way pass, also when two ways lead to the same file', async () => {
  const files = {
    'packages/a/src/top.ts': `import { left } from './left.ts';\nimport { right } from './right/right.ts';\n`,
    'packages/a/src/left.ts': `import type { Ground } from './ground.ts';\n`,
    'packages/a/src/right/right.ts': `import { join } from 'node:path';\nexport { ground } from '../ground.ts';\n`,
    'packages/a/src/ground.ts': '',
  };
  await expectFindings(importCirclesRule, files, []);
});

test('a circle is found once, by its shortest way, types included', async () => {
  const files = {
    'packages/a/src/one.ts': `\nimport type { Two } from './two.ts';\nimport { three } from './three.ts';\n`,
    'packages/a/src/three.ts': `import { two } from './two.ts';\n`,
    'packages/a/src/two.ts': `import { one } from './one.ts';\n`,
    'packages/a/src/outside.ts': `import { one } from './one.ts';\n`,
  };
  await expectFindings(importCirclesRule, files, [
    /^packages\/a\/src\/one\.ts:2 imports in a circle: \S+one\.ts -> \S+two\.ts -> \S+one\.ts\./,
    /^packages\/a\/src\/three\.ts:1 imports in a circle: \S+three\.ts -> \S+two\.ts -> \S+one\.ts -> \S+three\.ts\./,
  ]);
});

test('a file that imports itself is a circle', async () => {
  await expectFindings(importCirclesRule, { 'tools/a.ts': `import './a.ts';\n` }, [/^tools\/a\.ts:1 imports in a circle/]);
});
