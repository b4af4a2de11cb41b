/*
 * What we set of zstd's parameters besides the level.
 *
 * Level 2, from 128 KiB on: the fast strategy with 2^15 places for matches of at least six bytes, half of zstd's own table, and the same
 * up to 256 KiB, where zstd takes another strategy. Measured on bundles and chunks of /usr/share, /usr/lib, Python and JavaScript (zstd
 * 1.5.7, x64, November 2026): 5 to 12 % less time for 0.5 to 1.7 % more bytes. 2^14 places save 11 to 17 %, for 1.7 to 5 % more: too much
 * where large files or JavaScript are stored. Level 1 saves 6 to 24 % and takes 3.3 to 16 % more.
 */

export interface ZstdTables {
  /** ZSTD_c_strategy; 0: the level's. */
  readonly strategy: number;
  /** ZSTD_c_hashLog; 0: the level's. */
  readonly hashLog: number;
  /** ZSTD_c_minMatch; 0: the level's. */
  readonly minMatch: number;
}

const levelsOwn: ZstdTables = { strategy: 0, hashLog: 0, minMatch: 0 };
const fast: ZstdTables = { strategy: 1, hashLog: 15, minMatch: 6 };
const fastBytesMin: number = 128 * 1024;

export function zstdTables(level: number, plainBytes: number): ZstdTables {
  return level === 2 && plainBytes > fastBytesMin ? fast : levelsOwn;
}
