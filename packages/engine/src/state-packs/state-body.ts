/*
 * What of an entry's body is copied into state packs. A restored cache proves nothing about a file on this disk, so what is
 * only compared with a status is left out: it would cost bytes for each file, and change without the content.
 */
import { equalBytes } from '@twinvault/std';
import { BodyView, clearForState } from '../entries/entry-body.ts';
import { isSigned } from '../state/signature-store.ts';

/** Files with fewer bytes have their signature in the state only when their extents are parts of chunks. */
export const stateSignedBytesMin: number = 4 * 1024 * 1024;

/** A copy. */
function stateBody(body: Uint8Array): Uint8Array {
  const copy = body.slice();
  clearForState(new DataView(copy.buffer), 0);
  return copy;
}

/** Nothing differs that state packs hold. */
export function sameInState(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || equalBytes(stateBody(a), stateBody(b));
}

/** Whether the signature of this content goes along: cutting alone would not find what is stored of it. */
export function keepsSignature(body: Uint8Array): boolean {
  if (!isSigned(body)) return false;
  const view = new BodyView(body);
  if (view.sizeBytes >= stateSignedBytesMin) return true;
  for (let index = 0; index < view.extentCount; index += 1) if (view.extentOffset(index) > 0) return true;
  return false;
}
