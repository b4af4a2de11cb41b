/** A name within more bytes; one object is used for many. */
export interface NamePart {
  bytes: Uint8Array;
  start: number;
  end: number;
}
