/* The files of a site that serves: its configuration, and the secrets that it names. */
import { dirname, resolve } from 'node:path';
import { utf8Decode } from '@twinvault/std';
import type { Platform } from '@twinvault/std';
import { readSecretFile } from '@twinvault/std/node';
import { VaultError } from '@twinvault/vault';
import { configBytesMax, parseConfigFile, siteConfig } from '@twinvault/vault/service';
import type { SiteConfig } from '@twinvault/vault/service';

export const pemBytesMax: number = 256 * 1024;

/** `config-missing`, `config-invalid`, with the file's path. */
export async function loadConfig({ files }: Platform, path: string): Promise<SiteConfig> {
  const localPath = resolve(path);
  const bytes = await files.read(localPath, configBytesMax);
  if (bytes === null) throw new VaultError('config-missing', { context: { localPath } });
  const text = utf8Decode(bytes);
  try {
    if (text === null) throw new VaultError('config-invalid', { context: { key: 'the file', defect: 'is not UTF-8' } });
    return siteConfig(parseConfigFile(text), (part) => resolve(dirname(localPath), part));
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    const { key } = error.context;
    throw new VaultError(error.code, {
      context: { ...error.context, key: key === '' ? 'it' : (key ?? ''), localPath },
      cause: error,
    });
  }
}

/** Text of a file that only the service's own user and group may read, without white space at its ends. `secret-missing`, `secret-exposed`. */
export async function readSecret(path: string): Promise<string> {
  const file = await readSecretFile(path, pemBytesMax);
  if (file.type === 'exposed') throw new VaultError('secret-exposed', { context: { localPath: path, mode: file.mode } });
  const text = file.type === 'secret' ? (utf8Decode(file.bytes) ?? '').trim() : '';
  if (text === '') throw new VaultError('secret-missing', { context: { localPath: path } });
  return text;
}

/** Certificates, which are no secret. `secret-missing`. */
export async function readPem({ files }: Platform, path: string): Promise<string> {
  const bytes = await files.read(path, pemBytesMax);
  const text = bytes === null ? null : utf8Decode(bytes);
  if (text === null) throw new VaultError('secret-missing', { context: { localPath: path } });
  return text;
}
