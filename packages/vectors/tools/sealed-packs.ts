/* Vectors of packs that open: slips, pack keys, session secrets. */

import { compareBytes, concatBytes, primitives, toHex } from '@twinvault/std';
import {
  encodePackHeader,
  encodePackTail,
  packKinds,
  packTailBytes,
  parsePackHeader,
  PackTable,
  packName,
} from '@twinvault/format';
import type { PackHeader, PackKind, PackRow, Suite } from '@twinvault/format';
import { chunkSecret, kindKeys, PackBuilder, packKeyOf, sealBlob, sealSlip, stateKey } from '@twinvault/seal';
import type { BuiltPack, SealingSession } from '@twinvault/seal';
import type { VectorFile } from '../src/vector.ts';
import { SealedCollector } from './sealed-collect.ts';
import type { Context } from './collect.ts';
import { framePayload, framePlaintext, rawPayload } from './sealed-chunks.ts';
import { flipped, randomOf, rootContext, rs, sealCertificate, sealComputer, sealSafe, sessionOf, ws } from './sealed-world.ts';
import { fill, packOf } from './world.ts';

function contentsOf(name: string): { readonly plaintext: Uint8Array; readonly payload: Uint8Array }[] {
  const plaintexts = [1, 40, 300].map((length) => fill(`chunk ${name}`, length));
  return [
    { plaintext: framePlaintext, payload: framePayload },
    ...plaintexts.map((plaintext) => ({ plaintext, payload: rawPayload(plaintext) })),
  ];
}

function built(name: string, suite: Suite, kind: PackKind): BuiltPack {
  const keys = kindKeys(ws, kind);
  const state = kind === packKinds.state ? { stateKey: stateKey(rs, sealComputer) } : {};
  const builder = new PackBuilder({ session: sessionOf(name, suite), kind, keys, random: randomOf(`pack ${name}`), ...state });
  for (const { plaintext, payload } of contentsOf(name)) {
    const { id, m } = chunkSecret(keys, plaintext);
    builder.add(id, m, payload);
  }
  return builder.finish();
}

/** Both packs compacted into one; the slips stay as they are. */
function compacted(packs: readonly BuiltPack[]): { name: Uint8Array; bytes: Uint8Array } {
  const parts = packs.map(({ name, bytes }) => {
    const table = new PackTable(bytes.subarray(bytes.length - packTailBytes(bytes.subarray(-40))));
    return { name, bytes, table, header: parsePackHeader(bytes) };
  });
  const [first] = parts;
  if (first === undefined) throw new RangeError('no packs');
  const header = { ...first.header, nonce: fill('nonce of a plan', 32) };
  const blobs: Uint8Array[] = [];
  let offsetBytes = encodePackHeader(header).length;
  const rows: PackRow[] = [];
  for (const [section, { table, bytes }] of parts.entries()) {
    for (let index = 0; index < table.count; index += 2) {
      const row = table.row(index);
      blobs.push(bytes.subarray(row.offsetBytes, row.offsetBytes + row.lengthBytes));
      rows.push({ ...row, section, offsetBytes });
      offsetBytes += row.lengthBytes;
    }
  }
  const sections = parts.map((part) => ({ origin: packName(part.name), header: part.header }));
  return packOf({ header, rows, sections, blobs: concatBytes(...blobs) });
}

/** A data pack of two chunks whose rows and header may be changed before it is put together. */
function changedPack(input: {
  readonly suite: Suite;
  readonly key?: (key: Uint8Array, index: number) => Uint8Array;
  readonly slips?: (slips: readonly Uint8Array[]) => Uint8Array[];
  readonly header?: (header: PackHeader) => PackHeader;
  /** Position under which slips are sealed. */
  readonly position?: (position: number) => number;
}): { name: Uint8Array; bytes: Uint8Array } {
  const { suite, key: changeKey, slips: changeSlips, header: changeHeader, position: changePosition } = input;
  const session: SealingSession = sessionOf('changed', suite);
  const nonce = fill('nonce changed', 32);
  const header: PackHeader = { suite, kind: 1, safe: sealSafe, epoch: 1, certificate: sealCertificate, nonce, kem: session.kem };
  const packKey = packKeyOf({ kind: 1, header: encodePackHeader(header), secret: session.secret });
  const chunks = [50, 60].map((length) => {
    const plaintext = fill('changed', length);
    const { id, m } = chunkSecret(kindKeys(ws, 1), plaintext);
    const salt = fill(`salt ${length}`, 16);
    return { id, salt, ...sealBlob({ suite, safe: sealSafe, kind: 1, id, m, salt, payload: rawPayload(plaintext) }) };
  });
  chunks.sort((a, b) => compareBytes(a.id, b.id));
  const slips = chunks.map(({ id, blob, key }, position) => {
    const place = { suite, position: changePosition?.(position) ?? position, id, blobHash: primitives.sha256(blob) };
    return sealSlip(packKey, place, changeKey?.(key, position) ?? key);
  });
  const placed = changeSlips?.(slips) ?? slips;
  let offsetBytes = encodePackHeader(header).length;
  const rows = chunks.map(({ id, blob, salt }, position): PackRow => {
    const slip = placed[position] ?? new Uint8Array(0);
    const blobHash = primitives.sha256(blob);
    const row = { section: 0, position, id, offsetBytes, lengthBytes: blob.length, salt, blobHash, slip, slipOnly: false };
    offsetBytes += blob.length;
    return row;
  });
  const blobs = concatBytes(...chunks.map(({ blob }) => blob));
  const named = changeHeader?.(header) ?? header;
  const headerBytes = encodePackHeader(named);
  const { name, tail } = encodePackTail({
    header: headerBytes,
    rows,
    sections: [{ origin: null, header: null }],
    blobsBytes: blobs.length,
  });
  return { name, bytes: concatBytes(headerBytes, blobs, tail) };
}

export async function openedPackVectors(): Promise<VectorFile> {
  const about =
    'Packs that open. bytes: the pack; context: rootSecret, safe, name, and computer (whose state key seals state packs). Epoch 1 is the only one. value: id and plaintext of each row. Each invalid one passes the checks of a vault.';
  const collector = new SealedCollector({ parser: 'opened-pack', about }, { ...rootContext, computer: toHex(sealComputer) });
  const contextOf = (pack: { name: Uint8Array }): Context => ({ name: toHex(pack.name) });
  for (const suite of [1, 2] as const) {
    for (const [kindName, kind] of Object.entries(packKinds)) {
      const pack = built(`${suite} ${kindName}`, suite, kind);
      await collector.valid(`suite ${suite}, ${kindName}`, pack.bytes, contextOf(pack));
    }
  }
  const joined = compacted([built('first', 1, 1), built('second', 2, 1)]);
  await collector.valid('compacted of two sessions and both suites', joined.bytes, contextOf(joined));
  for (const suite of [1, 2] as const) {
    const good = changedPack({ suite });
    await collector.valid(`suite ${suite}, two chunks`, good.bytes, contextOf(good));
    const refuse = async (
      name: string,
      change: Omit<Parameters<typeof changedPack>[0], 'suite'>,
      code: 'slip-damaged' | 'blob-damaged' | 'epoch-unknown' = 'slip-damaged',
    ): Promise<void> => {
      const pack = changedPack({ suite, ...change });
      await collector.invalid(`suite ${suite}, ${name}`, pack.bytes, { code, context: contextOf(pack) });
    };
    await refuse('slips exchanged', { slips: (slips) => slips.toReversed() });
    await refuse('a slip changed', { slips: ([first, ...rest]) => [flipped(first ?? new Uint8Array(1), 0), ...rest] });
    await refuse('slips of other positions', { position: (position) => position + 2 });
    await refuse('a slip with another key', { key: (key, index) => (index === 1 ? flipped(key, 0) : key) }, 'blob-damaged');
    await refuse('another nonce in the header', { header: (header) => ({ ...header, nonce: fill('other nonce', 32) }) });
    await refuse('another certificate in the header', { header: (header) => ({ ...header, certificate: changedId(header) }) });
    await refuse('another KEM ciphertext', { header: (header) => ({ ...header, kem: flipped(header.kem, 0) }) });
    await refuse('another kind in the header', { header: (header) => ({ ...header, kind: 2 }) });
    await refuse('an epoch that nobody knows', { header: (header) => ({ ...header, epoch: 2 }) }, 'epoch-unknown');
  }
  return collector.finish();
}

function changedId({ certificate }: PackHeader): PackHeader['certificate'] {
  return flipped(certificate, 0) as PackHeader['certificate'];
}
