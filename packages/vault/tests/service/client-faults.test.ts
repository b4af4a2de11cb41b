/* What the client makes of a line that fails: what it sends again and what not, when it gives up, and that nothing is done twice. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError, retryMsMax } from '@twinvault/protocol';
import type { ProtocolErrorCode, Vault } from '@twinvault/protocol';
import { openRemoteVault } from '@twinvault/protocol/wire';
import { StdError, utf8Encode } from '@twinvault/std';
import type { HttpAnswer } from '@twinvault/std';
import { FakeClock, following, liveNames, rejectsWith, runOnce, seededRandom, sessionOf, TestSafe } from '@twinvault/testkit';
import { clientPlace, impatient } from './client-place.ts';
import type { Between, ClientPlace } from './client-place.ts';

const broken = new StdError('network-unreachable', { context: { systemCode: 'ECONNRESET' } });

/** The first answer to such a request gets lost; the site has done what was asked. */
function losingFirst(method: string, path: RegExp): Between {
  let lost = false;
  return async (request, send) => {
    const answer = await send(request);
    if (lost || request.method !== method || !path.test(request.url)) return answer;
    lost = true;
    throw broken;
  };
}

function refusal(status: number, headers: Readonly<Record<string, string>> = {}): HttpAnswer {
  return { status, headers, body: utf8Encode('<html>not the site</html>') };
}

async function withSafe(under: ClientPlace) {
  const mine = new TestSafe('mine');
  const computer = mine.enrol('mine');
  const vault = await under.client();
  await vault.createSafe(mine.newSafe);
  return { vault, mine, computer, safe: await vault.openSafe(mine.safe) };
}

test('a safe, a session, a pack and a record are made once, though the answer to each got lost', async () => {
  const under = await clientPlace();
  try {
    under.between = losingFirst('PUT', /\/safes\/\w+$/u);
    const { vault, mine, computer, safe } = await withSafe(under);
    await rejectsWith(vault.createSafe(mine.newSafe), 'safe-exists');
    under.between = losingFirst('PUT', /\/sessions\/\w+$/u);
    const session = await sessionOf(safe, mine, computer);
    const pack = mine.pack(computer);
    under.between = losingFirst('PUT', /\/packs\//u);
    assert.equal(await session.putPack(pack.name, pack.bytes), 'stored');
    assert.equal(await session.putPack(pack.name, pack.bytes), 'present');
    const record = mine.record(computer, { ...following(session), packs: [pack] });
    under.between = losingFirst('POST', /\/records$/u);
    assert.deepEqual((await session.commit(record.bytes)).digest, record.digest);
    const entry = mine.append({ kind: 'suite', minimum: 1 });
    under.between = losingFirst('POST', /\/ledger$/u);
    await safe.appendLedger(entry);
    under.between = losingFirst('DELETE', /\/sessions\//u);
    await session[Symbol.asyncDispose]();
    assert.equal((await safe.records()).length, 1);
    const again = await sessionOf(safe, mine, computer);
    assert.equal((await liveNames(again)).length, 1);
    await again[Symbol.asyncDispose]();
  } finally {
    await under[Symbol.asyncDispose]();
  }
});

test('busy proxies and gateways are asked again, other refusals are not', async () => {
  const under = await clientPlace();
  try {
    const vault = await under.client();
    for (const status of [408, 425, 429, 502, 503, 504]) {
      let refused = 0;
      under.between = (request, send) => {
        refused += 1;
        return refused <= 3 ? Promise.resolve(refusal(status)) : send(request);
      };
      await vault.safes();
      assert.equal(refused, 4, `${status}`);
    }
    for (const status of [302, 400, 401, 403, 404, 407, 410, 500, 501, 505]) {
      let refused = 0;
      under.between = () => {
        refused += 1;
        return Promise.resolve(refusal(status));
      };
      await rejectsWith(vault.safes(), 'answer-invalid');
      assert.equal(refused, 1, `${status}`);
    }
  } finally {
    await under[Symbol.asyncDispose]();
  }
});

test('who is not trusted is asked once', async () => {
  const under = await clientPlace();
  try {
    const vault = await under.client();
    under.between = () => Promise.reject(new StdError('network-untrusted', { context: { systemCode: 'PIN_MISMATCH' } }));
    const before = under.sent.length;
    await rejectsWith(vault.safes(), 'network-untrusted');
    assert.equal(under.sent.length, before + 1);
  } finally {
    await under[Symbol.asyncDispose]();
  }
});

/** A vault whose network fails by `answer`, on a clock of the test. */
async function onFakeClock(answer: () => Promise<HttpAnswer>) {
  const under = await clientPlace();
  const clock = new FakeClock();
  const times: number[] = [];
  const options = {
    address: under.place.base.replace(/\/v1$/u, ''),
    capability: under.capability,
    ports: {
      network: {
        request: () => {
          times.push(clock.monotonicMs());
          return answer();
        },
      },
      clock,
      timers: clock,
      random: seededRandom('pauses'),
    },
  };
  await under[Symbol.asyncDispose]();
  return { clock, times, options };
}

async function runOut(clock: FakeClock, work: Promise<unknown>, code: ProtocolErrorCode): Promise<void> {
  const rejected = rejectsWith(work, code);
  while (await clock.advanceToNext());
  await rejected;
}

const siteAnswer: HttpAnswer = {
  status: 200,
  headers: {},
  body: utf8Encode(
    JSON.stringify({
      site: '00'.repeat(16),
      publicKey: '00'.repeat(32),
      generation: '00'.repeat(16),
      nowMs: 0,
      protocol: { from: 1, to: 1 },
      limits: { rangesMax: 1, rangesBytesMax: 1, holdersOriginsMax: 1, bodiesInFlightMax: 1 },
    }),
  ),
};

test('a site that does not answer at first is given up soon, one that fails later after ten minutes', async () => {
  const dead = await onFakeClock(() => Promise.reject(broken));
  await runOut(dead.clock, openRemoteVault(dead.options), 'network-unreachable');
  const firstMs = dead.times.at(-1) ?? 0;
  assert.ok(dead.times.length > 3 && firstMs <= 20_000, `${dead.times.length} tries in ${firstMs} ms`);
  let answers = 0;
  const later = await onFakeClock(() => {
    answers += 1;
    return answers === 1 ? Promise.resolve(siteAnswer) : Promise.reject(broken);
  });
  const vault: Vault = await openRemoteVault(later.options);
  await runOut(later.clock, vault.safes(), 'network-unreachable');
  const lastMs = later.times.at(-1) ?? 0;
  assert.ok(lastMs > retryMsMax - 60_000 && lastMs <= retryMsMax, `${lastMs}`);
  const pauses = later.times.slice(1).map((time, index) => time - (later.times[index] ?? 0));
  assert.ok(Math.max(...pauses) <= 30_000 && later.times.length < 60, `${pauses.length} pauses`);
  assert.ok((pauses[5] ?? 0) > (pauses[2] ?? 0));
});

test('nobody is asked again before the time that was named', async () => {
  let answers = 0;
  const busy = await onFakeClock(() => {
    answers += 1;
    if (answers === 1) return Promise.resolve(siteAnswer);
    return Promise.resolve(answers === 2 ? refusal(503, { 'retry-after': '45' }) : refusal(404));
  });
  const vault = await openRemoteVault(busy.options);
  await runOut(busy.clock, vault.safes(), 'answer-invalid');
  assert.ok((busy.times[2] ?? 0) - (busy.times[1] ?? 0) >= 45_000);
});

test('who gives up is not kept waiting, and gives back what is held', async () => {
  const under = await clientPlace();
  try {
    const { mine, computer } = await withSafe(under);
    const controller = new AbortController();
    const vault = await under.client({ signal: controller.signal });
    const session = await sessionOf(await vault.openSafe(mine.safe), mine, computer);
    under.between = () => Promise.reject(broken);
    const waiting = vault.safes();
    controller.abort(new Error('enough'));
    await assert.rejects(waiting, /enough/u);
    under.between = (request, send) => send(request);
    await session[Symbol.asyncDispose]();
    const other = await under.client();
    const again = await sessionOf(await other.openSafe(mine.safe), mine, computer);
    await again[Symbol.asyncDispose]();
  } finally {
    await under[Symbol.asyncDispose]();
  }
});

test('what waits is read together, and each reader hears of its own part', async () => {
  const under = await clientPlace();
  try {
    const { mine, computer, safe } = await withSafe(under);
    const packs = Array.from({ length: 20 }, () => mine.pack(computer));
    await runOnce({ safe, mine, computer }, { packs });
    const unknown = mine.pack(computer).name;
    const reading = await safe.openReading();
    const before = under.sent.length;
    const wanted = packs.flatMap(({ name, bytes, rows }) => rows.map((row) => ({ name, bytes, row })));
    const [bad, ...good] = await Promise.allSettled([
      reading.readPack(unknown, 0, 1),
      ...wanted.map(({ name, row }) => reading.readPack(name, row.offsetBytes, row.lengthBytes)),
    ]);
    assert.ok(bad.status === 'rejected' && bad.reason instanceof ProtocolError && bad.reason.code === 'pack-unknown');
    for (const [index, { bytes, row }] of wanted.entries()) {
      const part = good[index];
      assert.ok(part?.status === 'fulfilled');
      assert.deepEqual(part.value, bytes.slice(row.offsetBytes, row.offsetBytes + row.lengthBytes));
    }
    const requests = under.sent.length - before;
    assert.ok(requests <= 6 && wanted.length > 20, `${requests} requests for ${wanted.length} parts`);
    await reading[Symbol.asyncDispose]();
  } finally {
    await under[Symbol.asyncDispose]();
  }
});

test('a lease is renewed by a timer when nothing else is asked', async () => {
  const under = await clientPlace();
  try {
    const clock = new FakeClock();
    const { mine, computer } = await withSafe(under);
    const timers = { ...impatient, every: clock.every.bind(clock) };
    const renewed = Promise.withResolvers<void>();
    under.between = async (request, send) => {
      const answer = await send(request);
      if (request.method === 'POST' && request.url.endsWith('/renew')) renewed.resolve();
      return answer;
    };
    const vault = await under.client({ clock, timers });
    const session = await sessionOf(await vault.openSafe(mine.safe), mine, computer);
    await clock.advance(3_600_000);
    await renewed.promise;
    await session[Symbol.asyncDispose]();
    assert.equal(clock.pendingCount, 0);
  } finally {
    await under[Symbol.asyncDispose]();
  }
});
