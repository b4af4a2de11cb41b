/* Readings: what a restore reads through. */

import { packNameFromHex } from '@twinvault/format';
import { ProtocolError, rangesBytesMax } from '@twinvault/protocol';
import { encodeFrames, holdersBody, rangesBody, suspectsBody } from '@twinvault/protocol/wire';
import type { HoldersAnswer, LeaseAnswer } from '@twinvault/protocol/wire';
import { toHex } from '@twinvault/std';
import type { Answer, Call } from '../http/call.ts';
import type { Handlers } from '../http/http-app.ts';
import { leaseLapseMs, leaseRenewMs } from '../../leases/leases.ts';
import type { SiteReading } from '../../reading/reading.ts';
import type { Keeper, KeptName } from '../keepers/keeper.ts';
import { done, json, jsonOf, parameterOf, safeOf } from './handler-parts.ts';
import type { HandlerParts } from './handler-parts.ts';

const lease: LeaseAnswer = { renewMs: leaseRenewMs, lapseMs: leaseLapseMs };

export interface ReadingParts extends HandlerParts {
  readonly readings: Keeper<SiteReading>;
  /** Has these packs of the safe, all hexadecimal, read through, and healed where they are damaged. */
  readonly look: (safe: string, packs: readonly string[]) => Promise<void>;
}

export function readingHandlers({ vault, readings, look }: ReadingParts): Handlers {
  const inReading = <T>(call: Call, body: (reading: SiteReading) => Promise<T>): Promise<T> => readings.use(nameOf(call), body);
  return {
    openReading: async (call) => {
      await readings.open(nameOf(call), await vault.customerOf(safeOf(call)), async () => {
        const reading = await (await vault.openSafe(safeOf(call))).openReading({ carried: true });
        return { value: reading, state: { ...reading.state } };
      });
      return json(lease);
    },
    renewReading: (call) => inReading(call, () => Promise.resolve(done)),
    closeReading: async (call) => {
      await readings.close(nameOf(call));
      return done;
    },
    packSize: (call) =>
      inReading(call, async (reading) => {
        const sizeBytes = await reading.packSize(packNameFromHex(parameterOf(call, 'name')));
        if (sizeBytes === null) return { type: 'none', status: 404 };
        return { type: 'none', status: 200, headers: { 'content-length': String(sizeBytes), 'accept-ranges': 'bytes' } };
      }),
    pack: (call) => inReading(call, (reading) => pack(call, reading)),
    ranges: (call) => inReading(call, (reading) => ranges(call, reading)),
    suspects: (call) =>
      inReading(call, async () => {
        const { packs } = jsonOf(suspectsBody, call);
        await look(parameterOf(call, 'safe'), packs);
        return done;
      }),
    holders: (call) =>
      inReading(call, async (reading) => {
        const { origins } = jsonOf(holdersBody, call);
        const holders = await reading.holdersOf(origins.map(packNameFromHex));
        const answer: HoldersAnswer = { holders: holders.map((packs) => packs.map(toHex)) };
        return json(answer);
      }),
  };
}

function nameOf(call: Call): KeptName {
  return { safe: parameterOf(call, 'safe'), id: parameterOf(call, 'reading') };
}

async function ranges(call: Call, reading: SiteReading): Promise<Answer> {
  const { ranges: wanted } = jsonOf(rangesBody, call);
  const bytes = wanted.reduce((sum, { length }) => sum + length, 0);
  if (bytes > rangesBytesMax) throw new ProtocolError('request-too-large', { context: { bytes, bytesMax: rangesBytesMax } });
  await call.reserve(bytes);
  const frames: Uint8Array[] = [];
  for (const { pack: name, offset, length } of wanted) frames.push(await reading.readPack(packNameFromHex(name), offset, length));
  return { type: 'frames', body: encodeFrames(frames) };
}

/** Whole, or one range of it (RFC 9110 section 14.1.2: first and last byte, or the last so many). */
async function pack(call: Call, reading: SiteReading): Promise<Answer> {
  const name = packNameFromHex(parameterOf(call, 'name'));
  const sizeBytes = await reading.packSize(name);
  if (sizeBytes === null) throw new ProtocolError('pack-unknown', { context: { pack: toHex(name) } });
  if (call.range === null) {
    await call.reserve(sizeBytes);
    return { type: 'object', body: await reading.readPack(name, 0, sizeBytes), headers: { 'accept-ranges': 'bytes' } };
  }
  const range = rangeOf(call.range, sizeBytes);
  if (range === null) throw new ProtocolError('pack-short', { context: { pack: toHex(name), sizeBytes } });
  const { first, last } = range;
  await call.reserve(last - first + 1);
  return {
    type: 'object',
    status: 206,
    body: await reading.readPack(name, first, last - first + 1),
    headers: { 'content-range': `bytes ${first}-${last}/${sizeBytes}` },
  };
}

export interface ByteRange {
  readonly first: number;
  /** Included. */
  readonly last: number;
}

/** Null when nothing of it is there, or it is not one range of bytes. */
export function rangeOf(header: string, sizeBytes: number): ByteRange | null {
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/u.exec(header) ?? [];
  if (from === '' && to === '') return null;
  const first = from === '' ? Math.max(0, sizeBytes - Number(to)) : Number(from);
  const last = from === '' || to === '' ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1);
  return first <= last ? { first, last } : null;
}
