import { test } from 'node:test';
import { expectFindings, madeUpPackage } from './expect.ts';
import { manifestsRule } from './manifests.ts';

const root = { 'package.json': JSON.stringify({ devDependencies: { 'fast-check': '1.2.3' } }) };
const std = madeUpPackage('std');
const references = (...paths: string[]): string => JSON.stringify({ references: paths.map((path) => ({ path })) });
const usesStd = `import { a } from '@twinvault/std';`;

function format(files: Record<string, string>, manifest: object): Record<string, string> {
  return { ...root, ...std, ...madeUpPackage('format', files, manifest) };
}

test('manifest, references and source that agree pass', async () => {
  const files = { 'src/a.ts': `${usesStd}\nimport 'cborg';`, 'tsconfig.json': references('../std/tsconfig.node.json') };
  const dependencies = { '@twinvault/std': '*', cborg: '6.1.5' };
  await expectFindings(manifestsRule, format(files, { dependencies }), []);
});

test('an import that the manifest or the references lack is found', async () => {
  await expectFindings(manifestsRule, format({ 'src/a.ts': usesStd }, {}), [
    /^packages\/format\/package.json:0 the source imports @twinvault\/std: add it/,
    /^packages\/format\/tsconfig.json:0 it imports packages\/std: add the reference/,
  ]);
});

test('a dependency or reference that no source needs is found', async () => {
  const files = { 'tsconfig.json': references('../std') };
  await expectFindings(manifestsRule, format(files, { dependencies: { '@twinvault/std': '*', cborg: '6.1.5' } }), [
    /no source imports @twinvault\/std/,
    /no source imports cborg/,
    /it does not import packages\/std: take the reference out/,
  ]);
});

test('a version that is not exact is found', async () => {
  const manifest = { dependencies: { cborg: '^6.1.5' } };
  await expectFindings(manifestsRule, format({ 'src/a.ts': `import 'cborg';` }, manifest), [/cborg is "\^6.1.5"/]);
});

test('what only a test imports is a development dependency, unless the root has it', async () => {
  const files = {
    'src/a.test.ts': `import 'fast-check';\nimport 'ignore';`,
    'tsconfig.test.json': references('./tsconfig.json'),
  };
  await expectFindings(manifestsRule, format(files, {}), [/a test imports ignore: add it to "devDependencies"/]);
  await expectFindings(manifestsRule, format(files, { devDependencies: { ignore: '7.0.16', long: '5.3.2' } }), [
    /no test imports long/,
  ]);
});

test('the shape of a manifest is held', async () => {
  const manifest = { name: 'format', private: false, type: 'commonjs', license: 'MIT' };
  await expectFindings(manifestsRule, format({}, manifest), [
    /its name is @twinvault\/format/,
    /"type"/,
    /"private"/,
    /"license"/,
  ]);
});
