/*
 * The files port with the errors of the vault port: whatever goes wrong below leaves as a ProtocolError with a code that says
 * what to do. Layer below: Files of std.
 */

import { FormatError } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { ProtocolErrorCode } from '@twinvault/protocol';
import { StdError } from '@twinvault/std';
import type { Files, OpenFile, StdErrorCode } from '@twinvault/std';

const codes: Partial<Record<StdErrorCode, ProtocolErrorCode>> = {
  'file-denied': 'vault-denied',
  'file-disk-full': 'vault-full',
  'file-exists': 'vault-failed',
  'file-failed': 'vault-failed',
  'file-missing': 'vault-failed',
  'file-read-only': 'vault-read-only',
  'file-too-large': 'vault-damaged',
};

/** What leaves the vault: errors of files and of format under the codes of the port, anything else as it is. */
export function protocolError(error: unknown): unknown {
  if (error instanceof ProtocolError) return error;
  if (error instanceof FormatError) return new ProtocolError(error.code, { context: error.context, cause: error });
  if (error instanceof StdError) {
    return new ProtocolError(codes[error.code] ?? 'vault-failed', { context: error.context, cause: error });
  }
  return error;
}

/** Runs `work`; its errors leave under the codes of the port. */
export async function asProtocol<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw protocolError(error);
  }
}

/** Parses what the vault itself stored: a defect is damage, a newer version is a newer program. `object` is its place. */
export function parseStored<T>(object: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof FormatError) && !(error instanceof StdError)) throw error;
    const newer = error.code === 'version-unknown' || error.code === 'feature-unknown';
    throw new ProtocolError(newer ? 'vault-newer' : 'vault-damaged', { context: { ...error.context, object }, cause: error });
  }
}

export function isMissingFile(error: unknown): boolean {
  return error instanceof ProtocolError && error.cause instanceof StdError && error.cause.code === 'file-missing';
}

function guardedOpen(file: OpenFile): OpenFile {
  return {
    sizeBytes: file.sizeBytes,
    read: (offsetBytes, lengthBytes) => asProtocol(() => file.read(offsetBytes, lengthBytes)),
    [Symbol.asyncDispose]: () => asProtocol(async () => file[Symbol.asyncDispose]()),
  };
}

/** The same files; every error is a ProtocolError with the StdError as its cause. */
export function vaultFiles(files: Files): Files {
  return {
    stat: (path) => asProtocol(() => files.stat(path)),
    list: (path) => asProtocol(() => files.list(path)),
    makeDirectory: (path, options) => asProtocol(() => files.makeDirectory(path, options)),
    read: (path, maxBytes) => asProtocol(() => files.read(path, maxBytes)),
    open: (path) =>
      asProtocol(async () => {
        const file = await files.open(path);
        return file === null ? null : guardedOpen(file);
      }),
    create: (path, parts, options) => asProtocol(() => files.create(path, parts, options)),
    replace: (path, parts, options) => asProtocol(() => files.replace(path, parts, options)),
    append: (path, bytes) => asProtocol(() => files.append(path, bytes)),
    rename: (from, to) => asProtocol(() => files.rename(from, to)),
    remove: (path) => asProtocol(() => files.remove(path)),
    removeTree: (path) => asProtocol(() => files.removeTree(path)),
    overwrite: (path, patterns) => asProtocol(() => files.overwrite(path, patterns)),
    touch: (path) => asProtocol(() => files.touch(path)),
    space: (path) => asProtocol(() => files.space(path)),
  };
}
