/*
 * The protocol of a site over any vault port, for tests of the client: each request becomes the calls of the port that it stands for, and is held to the
 * tables and schemas that a real site holds it to. Fairness, nodes and time belong to the service of vault; nothing of it is here.
 *
 * Sessions and readings live in the handler: all clients of one site are to share it.
 */

import {
  certificateIdFromHex,
  computerIdFromHex,
  ledgerEntryBytesMax,
  packNameFromHex,
  parseSafeDescriptor,
  recordDigestFromHex,
  safeIdFromHex,
} from '@twinvault/format';
import { holdersOriginsMax, ledgerPageEntriesMax, ProtocolError, rangesMax, recordPageMax } from '@twinvault/protocol';
import type { Vault, VaultReading, VaultSafe, VaultSession } from '@twinvault/protocol';
import {
  checkJson,
  demandScope,
  demandTime,
  encodeFrames,
  encodeProblem,
  holdersBody,
  mediaTypes,
  nextHeader,
  parseFrames,
  problemOf,
  rangesBody,
  recordJsonOf,
  routes,
  sessionBody,
  verifyCapability,
} from '@twinvault/protocol/wire';
import type { Route, RouteName } from '@twinvault/protocol/wire';
import { concatBytes, equalBytes, fromHex, toHex, utf8Decode, utf8Encode } from '@twinvault/std';
import type { Clock, HttpAnswer } from '@twinvault/std';
import type { MemoryHandler, ReceivedRequest } from './memory-network.ts';

const frameLimits = { countMax: 256, bytesMax: ledgerEntryBytesMax };
const lease = { renewMs: 60_000, lapseMs: 300_000 };
/** Packs of one page of the live list: few, so that tests turn pages. */
const livePagePacks = 2;

export interface MemorySiteOptions {
  readonly vault: Vault;
  readonly clock: Clock;
  /** The path of the site's address; '' when left out. */
  readonly path?: string;
}

interface Asked {
  readonly request: ReceivedRequest;
  readonly name: RouteName;
  /** Of the path. */
  readonly at: (key: string) => string;
}

/** Answers as a site does; give it to `MemoryNetwork.serve`. */
export function memorySite(options: MemorySiteOptions): MemoryHandler {
  const site = new MemorySite(options.vault);
  return async (request) => {
    try {
      const asked = askedOf(request, options.path ?? '');
      await demandCapability(asked, options);
      return await site.answers[asked.name](asked);
    } catch (error) {
      const problem = problemOf(error);
      return answerOf(problem.status, request.method === 'HEAD' ? new Uint8Array(0) : encodeProblem(problem), 'problem');
    }
  };
}

function askedOf(request: ReceivedRequest, path: string): Asked {
  for (const [name, route] of Object.entries(routes) as [RouteName, Route][]) {
    const names: string[] = [];
    const pattern = route.path.replace(/\{(\w+)\}/gu, (_, key: string) => {
      names.push(key);
      return '([0-9a-f]{32,64})';
    });
    const match = new RegExp(`^${path}/v1${pattern}$`, 'u').exec(request.url.pathname);
    if (match === null || route.method !== request.method) continue;
    if (request.body.length > route.bodyBytesMax) throw new ProtocolError('request-too-large');
    return { request, name, at: (key) => match[1 + names.indexOf(key)] ?? '' };
  }
  throw new ProtocolError('route-unknown');
}

async function demandCapability({ request, name, at }: Asked, { vault, clock }: MemorySiteOptions): Promise<void> {
  const { verb, path } = routes[name];
  if (verb === null) return;
  const { site, publicKey } = await vault.site();
  const token = /^Bearer (.+)$/u.exec(request.headers['authorization'] ?? '')?.[1] ?? '';
  const capability = await verifyCapability(token, { site, issuers: [publicKey] });
  demandTime(capability, clock.nowMs());
  if (verb !== 'any') demandScope(capability, verb, path.includes('{safe}') ? safeIdFromHex(at('safe')) : null);
}

type Answers = Readonly<Record<RouteName, (asked: Asked) => Promise<HttpAnswer>>>;

class MemorySite {
  readonly #vault: Vault;
  readonly #sessions = new Map<string, VaultSession>();
  readonly #readings = new Map<string, VaultReading>();

  readonly answers: Answers;

  constructor(vault: Vault) {
    this.#vault = vault;
    const unserved = (): never => {
      throw new ProtocolError('route-unknown');
    };
    this.answers = {
      ...this.#ofSafes(),
      ...this.#ofSessions(),
      ...this.#ofReadings(),
      hasPack: unserved,
      packSize: unserved,
      feed: unserved,
      clean: unserved,
      check: unserved,
      rebuild: unserved,
      task: unserved,
      metering: unserved,
    };
  }

  #ofSafes() {
    return {
      site: async () => {
        const { site, publicKey, generation, nowMs } = await this.#vault.site();
        const limits = { rangesMax, rangesBytesMax: 100_000, holdersOriginsMax, bodiesInFlightMax: 4 };
        const ids = { site: toHex(site), publicKey: toHex(publicKey), generation: toHex(generation) };
        return json({ ...ids, nowMs, protocol: { from: 1, to: 1 }, limits });
      },
      safes: async () => {
        const safes = await this.#vault.safes();
        return json({ safes: safes.map(({ safe, label }) => ({ safe: toHex(safe), label })) });
      },
      createSafe: async ({ request }: Asked) => this.#createSafe(request.body),
      descriptor: async (asked: Asked) => answerOf(200, await (await this.#safe(asked)).descriptor(), 'object'),
      slots: async (asked: Asked) => frames(await (await this.#safe(asked)).slots()),
      replaceSlots: async (asked: Asked) => {
        const [entry = new Uint8Array(0), ...slots] = parseFrames(asked.request.body, frameLimits);
        await (await this.#safe(asked)).replaceSlots(slots, entry);
        return nothing;
      },
      ledger: async (asked: Asked) => {
        const entries = await (await this.#safe(asked)).ledger(Number(asked.request.url.searchParams.get('from')));
        return frames(entries.slice(0, ledgerPageEntriesMax));
      },
      appendLedger: async (asked: Asked) => {
        await (await this.#safe(asked)).appendLedger(asked.request.body);
        return nothing;
      },
      records: async (asked: Asked) => this.#records(asked),
      record: async (asked: Asked) =>
        answerOf(200, await (await this.#safe(asked)).record(recordDigestFromHex(asked.at('digest'))), 'object'),
    };
  }

  #ofSessions() {
    return {
      openSession: async (asked: Asked) => this.#openSession(asked),
      renewSession: async (asked: Asked) => Promise.resolve(this.#session(asked) && nothing),
      closeSession: async ({ at }: Asked) => {
        await this.#sessions.get(at('session'))?.[Symbol.asyncDispose]();
        this.#sessions.delete(at('session'));
        return nothing;
      },
      live: async (asked: Asked) => this.#live(asked),
      putPack: async (asked: Asked) => {
        const answer = await this.#session(asked).putPack(packNameFromHex(asked.at('name')), asked.request.body);
        return { ...nothing, status: answer === 'stored' ? 201 : 200 };
      },
      commit: async (asked: Asked) => answerOf(200, (await this.#session(asked).commit(asked.request.body)).receipt, 'object'),
    };
  }

  #ofReadings() {
    return {
      openReading: async (asked: Asked) => {
        const reading = this.#readings.get(asked.at('reading')) ?? (await (await this.#safe(asked)).openReading());
        this.#readings.set(asked.at('reading'), reading);
        return json(lease);
      },
      renewReading: async (asked: Asked) => Promise.resolve(this.#reading(asked) && nothing),
      closeReading: async ({ at }: Asked) => {
        await this.#readings.get(at('reading'))?.[Symbol.asyncDispose]();
        this.#readings.delete(at('reading'));
        return nothing;
      },
      pack: async (asked: Asked) => this.#pack(asked),
      ranges: async (asked: Asked) => {
        const reading = this.#reading(asked);
        const { ranges } = checkJson(rangesBody, utf8Decode(asked.request.body) ?? '', 'request-invalid');
        const read = ranges.map(({ pack, offset, length }) => reading.readPack(packNameFromHex(pack), offset, length));
        return frames(await Promise.all(read));
      },
      holders: async (asked: Asked) => {
        const { origins } = checkJson(holdersBody, utf8Decode(asked.request.body) ?? '', 'request-invalid');
        const holders = await this.#reading(asked).holdersOf(origins.map(packNameFromHex));
        return json({ holders: holders.map((packs) => packs.map(toHex)) });
      },
    };
  }

  #safe({ at }: Asked): Promise<VaultSafe> {
    return this.#vault.openSafe(safeIdFromHex(at('safe')));
  }

  #session({ at }: Asked): VaultSession {
    return held(this.#sessions.get(at('session')));
  }

  #reading({ at }: Asked): VaultReading {
    return held(this.#readings.get(at('reading')));
  }

  async #createSafe(body: Uint8Array): Promise<HttpAnswer> {
    const [descriptor = body, count = body, ...rest] = parseFrames(body, frameLimits);
    const slots = count[0] ?? 0;
    try {
      await this.#vault.createSafe({ descriptor, slots: rest.slice(0, slots), ledger: rest.slice(slots) });
      return { ...nothing, status: 201 };
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== 'safe-exists') throw error;
      const there = await this.#vault.openSafe(parseSafeDescriptor(descriptor).safe);
      if (!equalBytes(await there.descriptor(), descriptor)) throw error;
      return { ...nothing, status: 200 };
    }
  }

  async #records(asked: Asked): Promise<HttpAnswer> {
    const query = asked.request.url.searchParams;
    const [job, computer, kind, after] = ['job', 'computer', 'kind', 'after'].map((key) => query.get(key) ?? '');
    const records = await (
      await this.#safe(asked)
    ).records({
      ...(job === undefined || job === '' ? {} : { job }),
      ...(computer === undefined || computer === '' ? {} : { computer: computerIdFromHex(computer) }),
      ...(kind === 'safeset' || kind === 'checkpoint' ? { kind } : {}),
    });
    const from = Number(after);
    const next = from + recordPageMax < records.length ? { next: String(from + recordPageMax) } : {};
    return json({ records: records.slice(from, from + recordPageMax).map(recordJsonOf), ...next });
  }

  async #openSession(asked: Asked): Promise<HttpAnswer> {
    const body = checkJson(sessionBody, utf8Decode(asked.request.body) ?? '', 'request-invalid');
    const ledger = { number: body.ledger.number, digest: bytesOf(body.ledger.digest), root: bytesOf(body.ledger.root) };
    const id = asked.at('session');
    const session =
      this.#sessions.get(id) ??
      (await (
        await this.#safe(asked)
      ).openSession({
        certificate: certificateIdFromHex(body.certificate),
        computer: computerIdFromHex(body.computer),
        job: body.job,
        ledger,
      }));
    this.#sessions.set(id, session);
    return json({ ...lease, heads: session.heads.map(recordJsonOf) });
  }

  async #live(asked: Asked): Promise<HttpAnswer> {
    const after = asked.request.url.searchParams.get('after') ?? '';
    const packs: [string, Uint8Array][] = [];
    for await (const { pack, certificate, tail } of this.#session(asked).liveList()) {
      packs.push([toHex(pack), concatBytes(pack, certificate, tail)]);
    }
    const rest = packs.sort(([a], [b]) => (a < b ? -1 : 1)).filter(([name]) => name > after);
    const page = rest.slice(0, livePagePacks);
    const answer = frames(page.map(([, frame]) => frame));
    const last = page.at(-1)?.[0];
    return rest.length > page.length && last !== undefined
      ? { ...answer, headers: { ...answer.headers, [nextHeader]: last } }
      : answer;
  }

  async #pack(asked: Asked): Promise<HttpAnswer> {
    const [, from = '', to = ''] = /^bytes=(\d+)-(\d+)$/u.exec(asked.request.headers['range'] ?? '') ?? [];
    const [reading, pack] = [this.#reading(asked), packNameFromHex(asked.at('name'))];
    const sizeBytes = await reading.packSize(pack);
    if (sizeBytes === null) throw new ProtocolError('pack-unknown');
    const body = await reading.readPack(pack, Number(from), 1 + Number(to) - Number(from));
    const answer = answerOf(206, body, 'object');
    return { ...answer, headers: { ...answer.headers, 'content-range': `bytes ${from}-${to}/${sizeBytes}` } };
  }
}

function held<T>(found: T | undefined): T {
  if (found === undefined) throw new ProtocolError('lease-lost', { context: { defect: 'unknown' } });
  return found;
}

const nothing: HttpAnswer = { status: 204, headers: {}, body: new Uint8Array(0) };

function answerOf(status: number, body: Uint8Array, type: keyof typeof mediaTypes): HttpAnswer {
  return { status, headers: { 'content-type': mediaTypes[type] }, body };
}

function frames(parts: readonly Uint8Array[]): HttpAnswer {
  return answerOf(200, encodeFrames(parts), 'frames');
}

function json(value: object): HttpAnswer {
  return answerOf(200, utf8Encode(JSON.stringify(value)), 'json');
}

/** Of digits that a schema has held to their form. */
function bytesOf(digits: string): Uint8Array {
  return fromHex(digits) ?? new Uint8Array(0);
}
