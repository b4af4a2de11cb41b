/** Where this computer keeps its keys and caches: the platform's place for state that belongs to one machine. */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

export interface StateSurroundings {
  readonly platform: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Effective user id; null where there is none. */
  readonly userId: number | null;
}

export function systemSurroundings(): StateSurroundings {
  return { platform: process.platform, environment: process.env, home: homedir(), userId: process.geteuid?.() ?? null };
}

/** Linux: XDG Base Directory Specification 0.8 (XDG_STATE_HOME), /var/lib for root; macOS and Windows: their usual places. */
export function defaultStateDirectory({ platform, environment, home, userId }: StateSurroundings): string {
  if (platform === 'win32') return join(environment['PROGRAMDATA'] ?? join(home, 'AppData', 'Local'), 'Twinvault');
  if (platform === 'darwin')
    return userId === 0 ? '/Library/Application Support/Twinvault' : join(home, 'Library', 'Application Support', 'Twinvault');
  const configured = environment['XDG_STATE_HOME'];
  // The specification says to ignore a relative path.
  if (configured !== undefined && isAbsolute(configured)) return join(configured, 'twinvault');
  return userId === 0 ? '/var/lib/twinvault' : join(home, '.local', 'state', 'twinvault');
}

export function stateDirectory(option: string | undefined): string {
  return option === undefined ? defaultStateDirectory(systemSurroundings()) : resolve(option);
}
