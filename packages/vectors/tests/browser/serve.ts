/*
 * A server for one page in a browser: the files of the repository as modules, TypeScript with its types taken out as Node does it. What a bundler would
 * resolve is one import map, which names what the import conditions of a browser choose.
 */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { stripTypeScriptTypes } from 'node:module';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

const imports: Readonly<Record<string, string>> = {
  '#primitives': '/packages/std/src/browser/primitives.ts',
  '@bokuweb/zstd-wasm': '/node_modules/@bokuweb/zstd-wasm/dist/web/index.web.js',
  '@noble/': '/node_modules/@noble/',
  '@scure/bip39': '/node_modules/@scure/bip39/index.js',
  '@scure/bip39/': '/node_modules/@scure/bip39/',
  '@twinvault/format': '/packages/format/src/index.ts',
  '@twinvault/seal': '/packages/seal/src/index.ts',
  '@twinvault/std': '/packages/std/src/index.ts',
  cborg: '/node_modules/cborg/cborg.js',
  'hash-wasm': '/node_modules/hash-wasm/dist/index.esm.js',
};

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.ts': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** `page`: path of a module from the root of the repository. What goes wrong before it runs is sent as text. */
function htmlOf(page: string): string {
  const told =
    "fetch('/failed', { method: 'POST', body: String(event.reason?.stack ?? event.error?.stack ?? event.message ?? 'a module does not load') })";
  return `<!doctype html><meta charset="utf-8"><title>Twinvault</title>
<script>
addEventListener('error', (event) => ${told}, true);
addEventListener('unhandledrejection', (event) => ${told});
</script>
<script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module" src="/${page}"></script>
`;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** Of a path that begins with "/". Some packages leave out the ends of names: these are redirected to the whole name. */
async function moduleAnswer(path: string): Promise<Answer> {
  const file = join(root, normalize(path));
  const extension = extname(path);
  if (extension === '') {
    const whole = ['.js', '/index.js'].find((end) => existsSync(`${file}${end}`));
    return whole === undefined ? { status: 404 } : { status: 302, headers: { location: `${path}${whole}` } };
  }
  const type = types[extension];
  if (type === undefined || !existsSync(file)) return { status: 404 };
  const bytes = await readFile(file);
  const body = extension === '.ts' ? stripTypeScriptTypes(bytes.toString()) : bytes;
  return { status: 200, headers: { 'content-type': type }, body };
}

export interface ServedPage extends AsyncDisposable {
  readonly url: string;
  /** What the page sent to /done; rejects with what it sent to /failed. */
  readonly answer: Promise<string>;
}

export async function servePage(page: string): Promise<ServedPage> {
  const { promise: answer, resolve, reject } = Promise.withResolvers<string>();
  answer.catch(() => undefined);
  const server = createServer((request, response) => {
    void respond(request, response);
  });

  const unknown: string[] = [];

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (request.method === 'POST') {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const text = Buffer.concat(parts).toString();
      if (pathname === '/done') resolve(text);
      else reject(new Error(`the page failed: ${text}; not there: ${unknown.join(' ')}`));
      response.end();
      return;
    }
    const html = { status: 200, headers: { 'content-type': 'text/html' }, body: htmlOf(page) };
    const { status, headers, body } = pathname === '/' ? html : await moduleAnswer(pathname);
    if (status === 404) unknown.push(pathname);
    response.writeHead(status, headers).end(body);
  }

  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    answer,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
