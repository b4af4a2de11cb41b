/*
 * What a session or reading is while no process holds it: enough to carry it on at any node of the site. Plain values, for the site's
 * database; whoever has them can end the leases in them, so they stay inside the site.
 */

import { certificateId, computerId } from '@twinvault/format';
import type { Suite } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { SessionRequest } from '@twinvault/protocol';
import { fromHex, toHex } from '@twinvault/std';

export interface SessionState {
  /** Hexadecimal, as certificate and computer. */
  readonly id: string;
  readonly certificate: string;
  readonly computer: string;
  readonly job: string;
  /** Of the site when the session was opened, hexadecimal. */
  readonly generation: string;
  /** The ledger's when the session was opened. */
  readonly minimumSuite: Suite;
  /** Handles. */
  readonly writeLease: string;
  readonly sessionLease: string;
}

export interface ReadingState {
  /** Handle; null where nothing can be written, and then the delay of clean-up is the protection. */
  readonly lease: string | null;
  readonly generation: string;
}

/** Whose session it is: a request without the ledger that was seen. */
export type SessionOwner = Pick<SessionRequest, 'certificate' | 'computer' | 'job'>;

export function ownerOf({ certificate, computer, job }: SessionState): SessionOwner {
  return { certificate: certificateId(bytesOf(certificate)), computer: computerId(bytesOf(computer)), job };
}

export function idOf({ id }: SessionState): Uint8Array {
  return bytesOf(id);
}

export function stateOfOwner({
  certificate,
  computer,
  job,
}: SessionOwner): Pick<SessionState, 'certificate' | 'computer' | 'job'> {
  return { certificate: toHex(certificate), computer: toHex(computer), job };
}

function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (bytes === null) throw new ProtocolError('vault-damaged', { context: { object: 'state of a session' } });
  return bytes;
}
