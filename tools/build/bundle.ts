/*
 * One file of all that the command and its threads run. It is made in two steps. The first puts together what is always used together and
 * leaves out what nothing uses; its pieces are modules. The second puts these into one file, each evaluated when it is first needed; what only
 * services load into a second one.
 */

import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { build } from 'esbuild';
import type { BuildOptions, Metafile, Plugin } from 'esbuild';
import { modulesSpecifier, nativePlugin, sourcePlugin } from './source-plugin.ts';
import type { Found } from './source-plugin.ts';

export interface PublishedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const shared = {
  bundle: true,
  write: false,
  platform: 'node',
  target: 'node24',
  charset: 'ascii',
  legalComments: 'none',
  logLevel: 'warning',
} as const satisfies BuildOptions;

/**
 * Modules of Node that a backup needs none of, 10 ms at each start and again in each thread: they are loaded when something of them is first used.
 */
const lateBuiltins =
  /(?<=^ *\w+ = )(?:__toESM\()?require\("(node:(?:http|https|tls|net|child_process|readline|zlib))"\)\)?(?=;$)/gm;

/** What only services need, more than all the rest: what loads one of these gets a file of its own. */
const servicePackages = /^node_modules\/(@peculiar\/x509|acme-client|fastify|kysely|pg|better-sqlite3)\//;

interface Piece {
  readonly text: string;
  /** Names of pieces, whether imported at once or later. */
  readonly imports: readonly string[];
  readonly isApart: boolean;
}

type Pieces = ReadonlyMap<string, Piece>;

/** The files of the bundle, native ones included. `root`: the repository. */
export async function bundle(root: string): Promise<PublishedFile[]> {
  const found: Found = { modules: new Map(), natives: new Map() };
  const pieces = await makePieces(root, found);
  const modules = [...found.modules.keys()];
  const near = reached(pieces, ['command.js', ...modules.map((name) => `${name}.js`)]);
  const files = await join(pieces, 'twinvault', nearList(pieces, near, modules));
  const services = await join(pieces, 'services', farList(pieces), near);
  const natives = Array.from(found.natives, ([name, file]) => ({ name, bytes: readFileSync(file) }));
  return [...files, ...services, await makeMain(root), ...natives];
}

/** Repeated until the source names no module that is not known yet. */
async function makePieces(root: string, found: Found): Promise<Pieces> {
  for (;;) {
    const known = found.modules.size;
    const { outputFiles, metafile } = await build({
      ...shared,
      entryPoints: { command: resolve(root, 'apps/twinvault/src/run.ts'), ...Object.fromEntries(found.modules) },
      absWorkingDir: root,
      outdir: resolve(root, 'build'),
      format: 'esm',
      splitting: true,
      metafile: true,
      sourcemap: 'inline',
      plugins: [nativePlugin(root, found), sourcePlugin(root, found)],
    });
    if (found.modules.size > known) continue;
    const texts = new Map(outputFiles.map(({ path, text }) => [basename(path), text]));
    return new Map(
      Object.entries(metafile.outputs).map(([path, { imports, entryPoint }]) => {
        const names = imports.filter(({ external }) => external !== true).map((imported) => basename(imported.path));
        const isApart = entryPoint !== undefined && loadsServices(metafile.outputs, path);
        return [basename(path), { text: texts.get(basename(path)) ?? '', imports: names, isApart }];
      }),
    );
  }
}

/** Whether loading it loads at once, not later, what only services need. */
function loadsServices(outputs: Metafile['outputs'], from: string, seen = new Set<string>()): boolean {
  const output = outputs[from];
  if (output === undefined || seen.has(from)) return false;
  seen.add(from);
  if (Object.keys(output.inputs).some((path) => servicePackages.test(path))) return true;
  return output.imports.some(({ path, kind }) => kind === 'import-statement' && loadsServices(outputs, path, seen));
}

function reached(pieces: Pieces, from: readonly string[], into = new Set<string>()): Set<string> {
  for (const name of from) {
    const piece = pieces.get(name);
    if (piece === undefined || piece.isApart || into.has(name)) continue;
    into.add(name);
    reached(pieces, piece.imports, into);
  }
  return into;
}

function nearList(pieces: Pieces, near: ReadonlySet<string>, modules: readonly string[]): string {
  const loaders = modules.map((name) => `'twinvault:${name}': () => import('./${name}.js'),`);
  const wanted = new Set([...pieces].filter(([name]) => !near.has(name)).flatMap(([, { imports }]) => imports));
  const lent = [...wanted].filter((name) => near.has(name)).map((name) => `'${name}': () => require('./${name}'),`);
  return `const modules = { ${loaders.join(' ')} };
    const pieces = { ${lent.join(' ')} };
    export const moduleNamed = (name) => modules[name]();
    export const pieceNamed = (name) => pieces[name]();
    export const runCommand = async (words) => await (await import('./command.js')).runCommand(words);`;
}

function farList(pieces: Pieces): string {
  const own = [...pieces].filter(([, { isApart }]) => isApart).map(([name]) => `'${name}': () => require('./${name}'),`);
  return `const pieces = { ${own.join(' ')} };
    export const pieceNamed = (name) => pieces[name]();`;
}

/** One file of `list` and the pieces that it asks for. `near`: those that are in the bundle and not in this file. */
async function join(
  pieces: Pieces,
  name: string,
  list: string,
  near: ReadonlySet<string> | null = null,
): Promise<PublishedFile[]> {
  const borrowed = (file: string, piece: string): string => `module.exports = require('./${file}').pieceNamed('${piece}')`;
  const textOf = (piece: string): string => {
    if (piece === modulesSpecifier) return list;
    if (near === null ? pieces.get(piece)?.isApart === true : near.has(piece)) {
      return borrowed(near === null ? 'services.cjs' : 'load.cjs', piece);
    }
    return pieces.get(piece)?.text ?? '';
  };
  const piecesPlugin: Plugin = {
    name: 'pieces',
    setup(builder) {
      builder.onResolve({ filter: /^twinvault:modules$/ }, ({ path, kind }) => {
        return near === null || kind === 'entry-point' ? { path, namespace: 'pieces' } : { path: './load.cjs', external: true };
      });
      builder.onResolve({ filter: /^\.\/.*\.js$/ }, ({ path }) => ({ path: basename(path), namespace: 'pieces' }));
      builder.onResolve({ filter: /\.(cjs|node)$/ }, ({ path }) => ({ path, external: true }));
      builder.onLoad({ filter: /.*/, namespace: 'pieces' }, ({ path }) => {
        return { contents: textOf(path), resolveDir: '/', loader: 'js' };
      });
    },
  };
  const { outputFiles } = await build({
    ...shared,
    entryPoints: { [name]: modulesSpecifier },
    outdir: '.',
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    sourcemap: 'external',
    sourcesContent: false,
    ...(near === null ? evaluated : required),
    plugins: [piecesPlugin],
  });
  return outputFiles.map(({ path, contents, text }) => {
    if (path.endsWith('.map')) return { name: basename(path), bytes: belowRepository(text) };
    return { name: basename(path), bytes: near === null ? new TextEncoder().encode(late(text)) : contents };
  });
}

/** In the same lines, so that the map holds. */
function late(text: string): string {
  const replaced = text.replace(lateBuiltins, 'lateBuiltin("$1")');
  if (replaced === text) throw new Error('esbuild writes the imports of builtin modules in another way');
  return replaced;
}

/** The file is a module that the bundle asks for. */
const required = { banner: { js: "const bundleUrl = require('node:url').pathToFileURL(__filename);" } };

/** The file is a function that load.cjs calls. */
const evaluated = {
  banner: {
    js: `(function (exports, require, bundleUrl, module = { exports }) {
  const lateBuiltin = (name) => new Proxy({}, { get: (_, key) => key === 'default' ? require(name) : require(name)[key] });`,
  },
  footer: { js: 'Object.defineProperties(exports, Object.getOwnPropertyDescriptors(module.exports)); })' },
};

/** The first file of the command: answers `--version`, loads the bundle for all else. */
async function makeMain(root: string): Promise<PublishedFile> {
  const { outputFiles } = await build({
    ...shared,
    entryPoints: [resolve(root, 'apps/twinvault/src/main.ts')],
    format: 'cjs',
    supported: { 'dynamic-import': false },
    plugins: [
      {
        name: 'run',
        setup(builder) {
          builder.onResolve({ filter: /^\.\/run\.ts$/ }, () => ({ path: './load.cjs', external: true }));
        },
      },
    ],
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error('esbuild made no main file');
  return { name: 'main.cjs', bytes: file.contents };
}

/** The map names files of the source by their paths below the repository, whatever folder it lies in. */
function belowRepository(text: string): Uint8Array {
  const map = JSON.parse(text) as { readonly sources: readonly string[] };
  const sources = map.sources.map((source) => source.replace(/^(\.\.\/)+/, ''));
  return new TextEncoder().encode(JSON.stringify({ ...map, sources }));
}
