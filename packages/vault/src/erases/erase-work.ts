/* One run of an erase order. */

import type { EraseOrder } from '@twinvault/format';
import type { Lease } from '../leases/leases.ts';
import type { EraseLog } from './erase-log.ts';

export interface EraseOptions {
  /** Looks again for what came since where an order is done. */
  readonly again?: boolean;
  readonly progress?: (progress: EraseProgress) => void;
  readonly signal?: AbortSignal;
}

export interface EraseProgress {
  /** Hexadecimal. */
  readonly safe: string;
  readonly objects: number;
  readonly bytes: number;
}

export interface EraseWork extends EraseOptions {
  readonly order: EraseOrder;
  /** The lock "clean". */
  readonly lock: Lease;
  readonly log: EraseLog;
}
