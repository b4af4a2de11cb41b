/*
 * Which chunks at the vault are the copy of a job's local state: a base and the logs after it (docs/format/delta.md, "State
 * packs"). Kept with the catalog cache that it copies, so that both belong to one record.
 *
 *   base (16) | page key (20) | u32 logs | f64 bytes of the base | f64 bytes of the logs | u32 chunks | chunk ids (32 each)
 */
import { concatBytes } from '@twinvault/std';
import { pageKeyBytes } from '@twinvault/seal';

export const stateBaseBytes = 16;
/** Logs after one base; then a new base is made. */
export const stateLogsMax = 400;
/** Logs may grow to this share of their base; then a new base is made. */
export const stateLogShareMax = 1;
/** So small that a base is made as easily as a log. */
const baseBytesMin = 64 * 1024;

const headBytes = stateBaseBytes + pageKeyBytes + 24;
const idBytes = 32;

export interface StateChain {
  /** Random; names the base. */
  readonly base: Uint8Array;
  /** What the pages of its signatures are hashed under. */
  readonly pageKey: Uint8Array;
  /** Number of the newest log; 0: the base alone. */
  readonly logs: number;
  /** As stored, packs and all. */
  readonly baseBytes: number;
  readonly logBytes: number;
  readonly ids: readonly Uint8Array[];
}

/** Whether a log may follow; false: the next run makes a new base. */
export function takesLog({ logs, logBytes, baseBytes }: StateChain): boolean {
  return logs < stateLogsMax && logBytes <= Math.max(baseBytesMin, stateLogShareMax * baseBytes);
}

export function encodeChain(chain: StateChain): Uint8Array {
  const numbers = new Uint8Array(24);
  const view = new DataView(numbers.buffer);
  view.setUint32(0, chain.logs, true);
  view.setFloat64(4, chain.baseBytes, true);
  view.setFloat64(12, chain.logBytes, true);
  view.setUint32(20, chain.ids.length, true);
  return concatBytes(chain.base, chain.pageKey, numbers, ...chain.ids);
}

/** Null when the bytes are none: then no state is known at the vault. */
export function decodeChain(bytes: Uint8Array): StateChain | null {
  if (bytes.length < headBytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + stateBaseBytes + pageKeyBytes, 24);
  const count = view.getUint32(20, true);
  if (bytes.length !== headBytes + count * idBytes) return null;
  return {
    base: bytes.slice(0, stateBaseBytes),
    pageKey: bytes.slice(stateBaseBytes, stateBaseBytes + pageKeyBytes),
    logs: view.getUint32(0, true),
    baseBytes: view.getFloat64(4, true),
    logBytes: view.getFloat64(12, true),
    ids: Array.from({ length: count }, (_, index) => bytes.slice(headBytes + index * idBytes, headBytes + (index + 1) * idBytes)),
  };
}
