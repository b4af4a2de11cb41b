/*
 * What the client makes of a site that lies: whatever it answers, each call ends, in time and memory that limits hold, with a value of the port's types or a
 * `ProtocolError`. Whether a value is true is for the safe's owner to find out, who has the keys; that is tested where those are.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeFrames } from '@twinvault/protocol/wire';
import { ProtocolError } from '@twinvault/protocol';
import type { ProtocolErrorCode, VaultReading, VaultSafe, VaultSession } from '@twinvault/protocol';
import { concatBytes, utf8Decode, utf8Encode } from '@twinvault/std';
import type { HttpAnswer, HttpRequest } from '@twinvault/std';
import { FakeClock, liveNames, rejectsWith, runOnce, sessionOf, TestSafe } from '@twinvault/testkit';
import type { TestComputer, TestPack } from '@twinvault/testkit';
import { clientPlace } from './client-place.ts';
import type { ClientPlace } from './client-place.ts';

interface Lied {
  readonly under: ClientPlace;
  readonly mine: TestSafe;
  readonly other: TestSafe;
  readonly computer: TestComputer;
  readonly safe: VaultSafe;
  readonly session: VaultSession;
  readonly reading: VaultReading;
  readonly packs: readonly TestPack[];
}

async function withSite(body: (given: Lied) => Promise<void>): Promise<void> {
  const under = await clientPlace();
  try {
    const [mine, other] = [new TestSafe('mine'), new TestSafe('other')];
    const computer = mine.enrol('mine');
    other.enrol('other');
    const vault = await under.client();
    await vault.createSafe(mine.newSafe);
    await vault.createSafe(other.newSafe);
    const safe = await vault.openSafe(mine.safe);
    const packs = [mine.pack(computer), mine.pack(computer)];
    await runOnce({ safe, mine, computer }, { packs });
    const session = await sessionOf(safe, mine, computer);
    const reading = await safe.openReading();
    await body({ under, mine, other, computer, safe, session, reading, packs });
    under.between = (request, send) => send(request);
    await session[Symbol.asyncDispose]();
    await reading[Symbol.asyncDispose]();
  } finally {
    await under[Symbol.asyncDispose]();
  }
}

/** Every request whose address fits is answered with what `change` makes of the true answer. */
function lie(under: ClientPlace, path: RegExp, change: (answer: HttpAnswer, request: HttpRequest) => Partial<HttpAnswer>): void {
  under.between = async (request, send) => {
    // A page that the true site does not know is answered with the first.
    const answer = await send({ ...request, url: request.url.replace(/[?&]after=[^&]*/u, '') });
    return path.test(request.url) ? { ...answer, ...change(answer, request) } : answer;
  };
}

function jsonBody(change: (value: Record<string, unknown>) => unknown): (answer: HttpAnswer) => Partial<HttpAnswer> {
  return ({ body }) => ({
    body: utf8Encode(JSON.stringify(change(JSON.parse(utf8Decode(body) ?? '') as Record<string, unknown>))),
  });
}

test('whatever bytes come, a call ends with a value or a code', async () => {
  await withSite(async ({ under, computer, mine, safe, session, reading, packs }) => {
    const [pack] = packs;
    assert.ok(pack);
    const record = mine.record(computer, { packs: [] });
    const vault = await under.client();
    const calls: (() => Promise<unknown>)[] = [
      () => under.client(),
      () => vault.site(),
      () => vault.safes(),
      () => vault.openSafe(mine.safe),
      () => safe.slots(),
      () => safe.ledger(1),
      () => safe.records(),
      () => safe.openReading(),
      () => sessionOf(safe, mine, computer, 'another job'),
      () => liveNames(session),
      () => session.commit(record.bytes),
      () => reading.readPack(pack.name, 0, 10),
      () => Promise.all([0, 1, 2, 3, 4, 5].map((offset) => reading.readPack(pack.name, offset, 10))),
      () => reading.packSize(pack.name),
      () => reading.holdersOf([pack.name]),
    ];
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    const cut = fc.option(fc.nat(), { freq: 3 });
    const status = fc.constantFrom(200, 200, 200, 201, 204, 206, 400, 409, 500);
    await fc.assert(
      fc.asyncProperty(fc.nat(calls.length - 1), edits, cut, status, async (which, changes, length, answered) => {
        lie(under, /./u, ({ body }) => {
          const changed = body.slice(0, length === null ? undefined : length % (body.length + 1));
          for (const [place, value] of changes) if (changed.length > 0) changed[place % changed.length] = value;
          return { body: changed, status: answered };
        });
        try {
          const made = await calls[which]?.();
          if (made !== undefined && made !== null && typeof made === 'object' && Symbol.asyncDispose in made) {
            await (made as AsyncDisposable)[Symbol.asyncDispose]();
          }
        } catch (error) {
          assert.ok(error instanceof ProtocolError, String(error));
        }
      }),
      { numRuns: 300 },
    );
  });
});

test('pages end, also where the site goes on for ever', async () => {
  await withSite(async ({ under, safe, session }) => {
    lie(
      under,
      /\/records/u,
      jsonBody(({ records }) => ({ records, next: 'again' })),
    );
    await rejectsWith(safe.records(), 'answer-invalid');
    let count = 0;
    lie(
      under,
      /\/records/u,
      jsonBody(() => ({ records: [], next: String((count += 1)) })),
    );
    await rejectsWith(safe.records(), 'answer-invalid');
    lie(under, /\/live/u, ({ headers }) => ({ headers: { ...headers, 'twinvault-next': 'again' } }));
    await rejectsWith(liveNames(session), 'answer-invalid');
    lie(under, /\/live/u, ({ headers }) => ({
      headers: { ...headers, 'twinvault-next': String((count += 1)) },
      body: new Uint8Array(0),
    }));
    await rejectsWith(liveNames(session), 'answer-invalid');
    assert.ok(under.sent.length < 40, `${under.sent.length} requests`);
  });
});

test('parts of packs have the length that was asked for', async () => {
  await withSite(async ({ under, reading, packs: [pack] }) => {
    assert.ok(pack);
    const read = (): Promise<unknown> => reading.readPack(pack.name, 5, 20);
    const lies: [Partial<HttpAnswer>, ProtocolErrorCode][] = [
      [{ body: new Uint8Array(19) }, 'answer-invalid'],
      [{ body: new Uint8Array(21) }, 'answer-invalid'],
      [{ status: 200 }, 'answer-invalid'],
      [{ body: new Uint8Array(3), headers: { 'content-range': 'bytes 5-7/8' } }, 'pack-short'],
      [{ body: new Uint8Array(3), headers: { 'content-range': 'bytes 5-7/99999999999' } }, 'answer-invalid'],
    ];
    for (const [answer, code] of lies) {
      lie(under, /\/packs\//u, () => answer);
      await rejectsWith(read(), code);
    }
    lie(under, /\/packs\//u, ({ headers }) => ({ headers: { ...headers, 'content-range': `bytes 0-0/${2 ** 40}` } }));
    await rejectsWith(reading.packSize(pack.name), 'answer-invalid');
    const many = (): Promise<unknown> =>
      Promise.all(Array.from({ length: 9 }, (_, offset) => reading.readPack(pack.name, offset, 10)));
    lie(under, /\/ranges/u, () => ({ body: encodeFrames([new Uint8Array(10)]) }));
    await rejectsWith(many(), 'answer-invalid');
    lie(under, /\/ranges/u, ({ body }) => ({ body: concatBytes(body, new Uint8Array(4)) }));
    await rejectsWith(many(), 'frames-invalid');
    lie(
      under,
      /\/holders/u,
      jsonBody(() => ({ holders: [] })),
    );
    await rejectsWith(reading.holdersOf([pack.name]), 'answer-invalid');
  });
});

test('an answer above its limit is not taken in', async () => {
  await withSite(async ({ under, safe }) => {
    let asked = 0;
    under.between = (request, send) => {
      asked = request.answerBytesMax;
      return send(request);
    };
    await safe.descriptor();
    assert.ok(asked <= 65_536, `${asked} bytes for a descriptor`);
    await safe.slots();
    assert.ok(asked <= 100_000, `${asked} bytes for slots`);
  });
});

test('another safe, another version and another kind of server are told', async () => {
  await withSite(async ({ under, mine, other, session }) => {
    const vault = await under.client();
    lie(under, /\/descriptor/u, () => ({ body: other.descriptor }));
    await rejectsWith(vault.openSafe(mine.safe), 'safe-mismatch');
    lie(
      under,
      /\/site$/u,
      jsonBody((value) => ({ ...value, protocol: { from: 2, to: 3 } })),
    );
    await rejectsWith(under.client(), 'vault-newer');
    lie(under, /./u, () => ({ body: utf8Encode('<html>Welcome</html>'), headers: { 'content-type': 'text/html' } }));
    await rejectsWith(under.client(), 'answer-invalid');
    await rejectsWith(session.commit(new Uint8Array(9)), 'answer-invalid');
  });
});

test('a lease that wants to be renewed all the time is renewed once a second at most', async () => {
  await withSite(async ({ under, mine, computer }) => {
    const clock = new FakeClock();
    const timers = { sleep: clock.sleep.bind(clock), every: clock.every.bind(clock) };
    const vault = await under.client({ clock, timers });
    lie(
      under,
      /\/sessions\/\w+$/u,
      jsonBody((value) => ({ ...value, renewMs: 0, lapseMs: 0 })),
    );
    const session = await sessionOf(await vault.openSafe(mine.safe), mine, computer, 'third job');
    const before = under.sent.length;
    await clock.advance(10_000);
    assert.ok(under.sent.length - before <= 10, `${under.sent.length - before} renewals in ten seconds`);
    await session[Symbol.asyncDispose]();
  });
});
