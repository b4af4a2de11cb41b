/** Where `twinvault serve` keeps its vaults unless it is told: the platform's place for data of a user, or of the system for root. */
import { isAbsolute, join, resolve } from 'node:path';
import { systemSurroundings } from './state-directory.ts';
import type { StateSurroundings } from './state-directory.ts';

/** Linux: XDG Base Directory Specification 0.8 (XDG_DATA_HOME), /srv for root (FHS 3.0 section 3.17). */
export function defaultDataDirectory({ platform, environment, home, userId }: StateSurroundings): string {
  if (platform === 'win32') return join(environment['PROGRAMDATA'] ?? home, 'Twinvault', 'Sites');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'Twinvault', 'Sites');
  if (userId === 0) return '/srv/twinvault';
  const configured = environment['XDG_DATA_HOME'];
  const base = configured !== undefined && isAbsolute(configured) ? configured : join(home, '.local', 'share');
  return join(base, 'twinvault');
}

export function dataDirectory(option: string | undefined): string {
  return option === undefined ? defaultDataDirectory(systemSurroundings()) : resolve(option);
}
