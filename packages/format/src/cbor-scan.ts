/*
 * Walks over CBOR bytes without making anything of them, so that what decodes them afterwards cannot be led into deep
 * recursion or large allocations. RFC 8949; what is refused: docs/format/README.md, Conventions.
 *
 * Invariant: bytes that pass hold exactly one item whose counts and lengths all fit in the bytes, with definite lengths in
 * the shortest form, no tags, no floats, no simple values but false, true and null, and integers below 2^53 in amount.
 * Order of map keys and UTF-8 are not looked at here.
 */

import { demand, refuse } from './errors.ts';

const arrayType = 4;
const mapType = 5;
const simpleNull = 22;
const simpleFalse = 20;

/** Throws `cbor-invalid`. `depthMax`: arrays and maps within each other. */
export function scanCbor(bytes: Uint8Array, depthMax: number): void {
  /** Items still to come on each open level, innermost last. */
  const open: number[] = [];
  let offset = 0;
  let pending = 1;
  for (;;) {
    while (pending === 0) {
      const outer = open.pop();
      if (outer === undefined) {
        demand(offset === bytes.length, 'cbor-invalid', 'bytes after the item');
        return;
      }
      pending = outer;
    }
    pending -= 1;
    const head = readHead(bytes, offset);
    offset = head.end;
    if (head.type === arrayType || head.type === mapType) {
      const items = head.type === mapType ? 2 * head.argument : head.argument;
      demand(items <= bytes.length - offset, 'cbor-invalid', 'more items than bytes');
      demand(open.length < depthMax, 'cbor-invalid', 'too deep');
      open.push(pending);
      pending = items;
    } else if (head.type === 2 || head.type === 3) {
      demand(head.argument <= bytes.length - offset, 'cbor-invalid', 'string beyond the end');
      offset += head.argument;
    }
  }
}

interface Head {
  readonly type: number;
  readonly argument: number;
  readonly end: number;
}

function readHead(bytes: Uint8Array, offset: number): Head {
  const first = bytes[offset];
  if (first === undefined) refuse('cbor-invalid', 'item missing');
  const type = first >>> 5;
  const info = first & 31;
  demand(type !== 6, 'cbor-invalid', 'tag');
  if (type === 7) {
    demand(info >= simpleFalse && info <= simpleNull, 'cbor-invalid', 'float or simple value');
    return { type, argument: 0, end: offset + 1 };
  }
  if (info < 24) return { type, argument: info, end: offset + 1 };
  demand(info <= 27, 'cbor-invalid', 'indefinite or reserved length');
  const argumentBytes = 1 << (info - 24);
  const end = offset + 1 + argumentBytes;
  demand(end <= bytes.length, 'cbor-invalid', 'item missing');
  let argument = 0;
  for (let index = offset + 1; index < end; index += 1) argument = argument * 0x100 + (bytes[index] ?? 0);
  const least = info === 24 ? 24 : 0x100 ** (argumentBytes / 2);
  demand(argument >= least, 'cbor-invalid', 'not in its shortest form');
  // A negative integer is -1 - argument, so its amount is one more.
  const argumentMax = type === 1 ? Number.MAX_SAFE_INTEGER - 1 : Number.MAX_SAFE_INTEGER;
  demand(argument <= argumentMax, 'cbor-invalid', 'integer too large');
  return { type, argument, end };
}
