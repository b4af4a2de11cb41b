/*
 * What the owner of a computer chose for it and one safe: a small file beside the keys, no cache, made anew only by people.
 *
 * CBOR {reuse, twinvault}, where `twinvault` is "computer settings v1". The file is local; its form may change with the version in that text.
 * No file means the defaults. A file that does not parse ends the run: a default could be laxer than what was chosen.
 */
import { decodeCbor, encodeCbor, Fields } from '@twinvault/format';
import type { ReuseScope } from '../dedup/live-list.ts';

export interface ComputerSettings {
  /** Whose stored blobs a run uses again: all of the safe that are proven, or those of this computer alone. */
  readonly reuse: ReuseScope;
}

export const settingsDefault: ComputerSettings = { reuse: 'safe' };

/** Longer files are no settings. */
export const settingsBytesMax = 4096;

const versionText = 'computer settings v1';

export function encodeSettings({ reuse }: ComputerSettings): Uint8Array {
  return encodeCbor({ reuse, twinvault: versionText });
}

/** FormatError for what is no settings file of this version. */
export function parseSettings(bytes: Uint8Array): ComputerSettings {
  const fields = new Fields(decodeCbor(bytes, { bytesMax: settingsBytesMax }), 'object-invalid');
  fields.oneOf('twinvault', [versionText]);
  const settings = { reuse: fields.oneOf('reuse', ['safe', 'computer']) };
  fields.end();
  return settings;
}
