/** A name within more bytes. */
export interface NamePart {
  readonly bytes: Uint8Array;
  start: number;
  end: number;
}
