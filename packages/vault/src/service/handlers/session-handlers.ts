/* Sessions: what agents write through. */

import { certificateIdFromHex, computerIdFromHex, packNameFromHex } from '@twinvault/format';
import { ProtocolError } from '@twinvault/protocol';
import type { SessionRequest } from '@twinvault/protocol';
import { encodeFrames, liveQuery, nextHeader, recordJsonOf, sessionBody } from '@twinvault/protocol/wire';
import type { SessionAnswer } from '@twinvault/protocol/wire';
import { assert, concatBytes, equalBytes, fromHex, toHex } from '@twinvault/std';
import { leaseLapseMs, leaseRenewMs } from '../../leases/leases.ts';
import type { SafeRoom } from '../fairness/safe-room.ts';
import type { BodyMemory } from '../http/body-memory.ts';
import type { Answer, Call, Request } from '../http/call.ts';
import type { Handlers } from '../http/http-app.ts';
import type { Keeper, KeptName } from '../keepers/keeper.ts';
import { KeptSession } from '../keepers/kept-session.ts';
import { packInFrames } from './arriving-frames.ts';
import { callerOf, done, json, jsonOf, parameterOf, queryOf, safeOf } from './handler-parts.ts';
import type { HandlerParts } from './handler-parts.ts';

export interface SessionParts extends HandlerParts {
  readonly sessions: Keeper<KeptSession>;
  readonly room: SafeRoom;
  /** In which packs arrive. */
  readonly memory: BodyMemory;
}

export function sessionHandlers(parts: SessionParts): Handlers {
  const { sessions, announcements, room, memory } = parts;
  const inSession = <T>(call: Request, body: (kept: KeptSession) => Promise<T>): Promise<T> =>
    sessions.use(nameOf(call), (kept) => {
      demandOwn(call, kept);
      return body(kept);
    });
  return {
    openSession: (call) => open(parts, call),
    renewSession: (call) => inSession(call, () => Promise.resolve(done)),
    closeSession: (call) => close(sessions, call),
    live: (call) => inSession(call, (kept) => live(call, kept)),
    hasPack: (call) =>
      inSession(call, async ({ session }) => {
        const isThere = await session.hasPack(packNameFromHex(parameterOf(call, 'name')));
        return { type: 'none', status: isThere ? 200 : 404 };
      }),
    putPack: {
      type: 'arriving',
      handle: (call) =>
        inSession(call, async ({ session }) => {
          using arriving = await packInFrames(call.arriving, memory);
          const { pack } = arriving;
          const name = parameterOf(call, 'name');
          const bytes = pack.bytes.length;
          const safe = parameterOf(call, 'safe');
          const answer = await room.put(safe, { name, bytes }, async () => {
            const stored = await session.takePack(packNameFromHex(name), pack);
            await announcements.announce(safe, { kind: 'pack', name, bytes });
            return stored;
          });
          return { type: 'none', status: answer === 'stored' ? 201 : 200 };
        }),
    },
    commit: (call) =>
      inSession(call, async ({ session }) => {
        const { receipt, digest } = await session.commit(call.body);
        const name = toHex(digest);
        const record = { kind: 'record', name, bytes: call.body.length } as const;
        await announcements.announce(parameterOf(call, 'safe'), record, { kind: 'receipt', name, bytes: receipt.length });
        return { type: 'object', body: receipt };
      }),
  };
}

async function open({ vault, sessions }: SessionParts, call: Call): Promise<Answer> {
  const request = requestOf(call);
  const name = nameOf(call);
  await sessions.open(name, await vault.customerOf(safeOf(call)), async () => {
    const safe = await vault.openSafe(safeOf(call));
    const session = await safe.openSession(request, { id: bytesOf(name.id), carried: true });
    return { value: new KeptSession(session), state: { ...session.state } };
  });
  return sessions.use(name, async ({ session }) => {
    const { certificate, computer, job } = session.state;
    const isSame = certificate === toHex(request.certificate) && computer === toHex(request.computer) && job === request.job;
    if (!isSame) throw new ProtocolError('job-busy', { context: { defect: 'another session has this id' } });
    const heads = await session.currentHeads();
    const answer: SessionAnswer = { heads: heads.map(recordJsonOf), renewMs: leaseRenewMs, lapseMs: leaseLapseMs };
    return json(answer);
  });
}

/** Fine when it is over; of another computer's capability it is not there. */
async function close(sessions: Keeper<KeptSession>, call: Call): Promise<Answer> {
  if (callerOf(call).computer !== undefined) {
    await sessions.use(nameOf(call), (kept) => Promise.resolve(demandOwn(call, kept)));
  }
  await sessions.close(nameOf(call));
  return done;
}

function nameOf(call: Request): KeptName {
  return { safe: parameterOf(call, 'safe'), id: parameterOf(call, 'session') };
}

/** A capability of one computer finds sessions of this one alone; others are not there for it. */
function demandOwn(call: Request, { session }: KeptSession): void {
  const { computer } = callerOf(call);
  if (computer !== undefined && toHex(computer) !== session.state.computer) {
    throw new ProtocolError('lease-lost', { context: { defect: 'not open' } });
  }
}

function requestOf(call: Call): SessionRequest {
  const { certificate, computer, job, ledger } = jsonOf(sessionBody, call);
  const request = {
    certificate: certificateIdFromHex(certificate),
    computer: computerIdFromHex(computer),
    job,
    ledger: { number: ledger.number, digest: bytesOf(ledger.digest), root: bytesOf(ledger.root) },
  };
  const only = callerOf(call).computer;
  if (only !== undefined && !equalBytes(only, request.computer)) {
    throw new ProtocolError('verb-denied', { context: { verb: 'write' } });
  }
  return request;
}

/** Of digits that were held to their form before. */
function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  assert(bytes !== null, 'digits of a schema');
  return bytes;
}

async function live(call: Call, { pages }: KeptSession): Promise<Answer> {
  const { after = '0' } = queryOf(liveQuery, call);
  if (!/^\d{1,10}$/u.test(after)) throw new ProtocolError('request-invalid', { context: { defect: 'after' } });
  const { packs, next } = await pages.page(Number(after));
  const frames = packs.map(({ pack, certificate, tail }) => concatBytes(pack, certificate, tail));
  const headers = next === null ? {} : { [nextHeader]: String(next) };
  return { type: 'frames', body: encodeFrames(frames), headers };
}
