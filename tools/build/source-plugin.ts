/*
 * What a bundler does not know of our source, put as text before it is bundled:
 *
 *   new URL('./x.ts', import.meta.url)    names a module that a thread loads by that name: it becomes `twinvault:<name>`
 *   new URL('../../bin/x', import.meta.url)    a file of the folder bin, which lies beside the bundle
 *   import(expression)                    loads such a module: it becomes a look-up among those of the bundle
 *   createRequire(import.meta.url)(...)   loads what is needed rarely: the bundler understands `require`
 *   *.node                                native code: stays a file beside the bundle
 */

import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { Plugin } from 'esbuild';

/** Specifier of the list of all named modules, which is there once all of them are known. */
export const modulesSpecifier = 'twinvault:modules';

/** The one module that Node itself loads: it is a file of its own in what is published. */
const bootstrapName = 'std-node-thread-bootstrap';

const urlPattern = /new URL\('(\.[^']*\.ts|[\w-]+\.ts)', import\.meta\.url\)/g;
const binPattern = /new URL\('\.\.\/\.\.\/(bin\/[\w-]+)', import\.meta\.url\)/g;
const importPattern = /\bimport\((?!['"])/g;
const requirePattern = /\bcreateRequire\(import\.meta\.url\)/g;

export interface Found {
  /** Files of the modules that are loaded by name, by that name. */
  readonly modules: Map<string, string>;
  /** Native files, by the name that they get beside the bundle. */
  readonly natives: Map<string, string>;
}

/** `packages/engine/src/restore/thread.ts` is `engine-restore-thread`. */
export function moduleName(root: string, file: string): string {
  return relative(root, file)
    .split(/[\\/]/)
    .slice(1)
    .filter((part) => part !== 'src')
    .join('-')
    .replace(/\.ts$/, '');
}

/** Puts what it finds into `found`. Throws where a use of import.meta is left that nothing here knows. */
export function sourcePlugin(root: string, found: Found): Plugin {
  const url = (file: string): string => {
    const name = moduleName(root, file);
    found.modules.set(name, file);
    return name === bootstrapName ? `new URL('thread.cjs', bundleUrl)` : `new URL('twinvault:${name}')`;
  };
  const rewritten = (file: string, text: string): string => {
    const placed = text.replaceAll(binPattern, "new URL('$1', bundleUrl)");
    const named = placed.replaceAll(urlPattern, (_, path: string) => url(resolve(dirname(file), path)));
    const looked = named.replaceAll(importPattern, 'moduleNamed(').replaceAll(requirePattern, 'require');
    if (looked.includes('import.meta.url'))
      throw new Error(`${relative(root, file)}: a use of import.meta.url that is not known`);
    return named.search(importPattern) < 0 ? looked : `import { moduleNamed } from '${modulesSpecifier}';${looked}`;
  };
  return {
    name: 'source',
    setup(build) {
      build.onResolve({ filter: /^twinvault:/ }, ({ path }) => ({ path, external: true }));
      // At module level of our packages stand constants only: what is not used of them is left out.
      build.onResolve({ filter: /^(@twinvault\/|\.)/ }, async ({ path, pluginData, ...from }) => {
        if (pluginData === resolving || from.importer.includes('node_modules')) return undefined;
        const resolved = await build.resolve(path, { ...from, pluginData: resolving });
        return { ...resolved, sideEffects: false };
      });
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        return path.includes('node_modules')
          ? undefined
          : { contents: rewritten(path, readFileSync(path, 'utf8')), loader: 'ts' };
      });
    },
  };
}

const resolving = Symbol('resolving');

/** koffi and better-sqlite3 without the search for their native files, which lie beside the bundle. */
export function nativePlugin(root: string, found: Found): Plugin {
  const platform = `${process.platform}-${process.arch}`;
  const template = join(import.meta.dirname, 'published/koffi.cjs');
  const native = (file: string, name: string): string => {
    found.natives.set(name, file);
    return `./${name}`;
  };
  return {
    name: 'native',
    setup(build) {
      build.onResolve({ filter: /^koffi$/ }, () => ({ path: template }));
      build.onLoad({ filter: /published[\\/]koffi\.cjs$/ }, () => {
        const folder = join(root, `node_modules/@koromix/koffi-${platform}`);
        const files = globSync('*/koffi.node', { cwd: folder }).sort();
        const names = files.map((file) => native(join(folder, file), `koffi-${dirname(file)}.node`));
        return { contents: readFileSync(template, 'utf8').replace('NATIVE_FILES', JSON.stringify(names)), loader: 'js' };
      });
      build.onResolve({ filter: /^better-sqlite3$/ }, ({ resolveDir, kind }) =>
        build.resolve(`./node_modules/better-sqlite3/lib/${platform}.js`, { resolveDir: root, kind, importer: resolveDir }),
      );
      build.onResolve({ filter: /\.node$/ }, ({ path, resolveDir }) => {
        const file = resolve(resolveDir, path);
        return { path: native(file, `${basename(dirname(dirname(file)))}-${basename(file)}`), external: true };
      });
    },
  };
}
