/* Random lives of two sites: honest ones are never accused, however they lag and part; one that is set back behind what was seen there always is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { computerId, recordDigest, siteId } from '@twinvault/format';
import type { Ledger, RecordPublic, SiteId } from '@twinvault/format';
import type { RecordSummary } from '@twinvault/protocol';
import { toHex } from '@twinvault/std';
import { compareSites } from './compare-sites.ts';
import type { SiteMemory, SiteView } from './compare-sites.ts';

const ledger = {
  head: { number: 1, digest: new Uint8Array(32), root: new Uint8Array(32) },
  extends: () => true,
  eraseOrders: () => [],
} as unknown as Ledger;

class Sites {
  readonly ids: readonly SiteId[] = [1, 2].map((byte) => siteId(new Uint8Array(16).fill(byte)));
  readonly records: [RecordSummary[], RecordSummary[]] = [[], []];
  readonly memory = new Map<number, SiteMemory>();
  nowMs = 0;

  commit(at: 0 | 1): void {
    this.nowMs += 60_000;
    const known = this.records[at];
    const followed = new Set(known.flatMap(({ public: facts }) => facts.previous.map(toHex)));
    const heads = known.filter(({ digest }) => !followed.has(toHex(digest)));
    const digest = recordDigest(new Uint8Array(32).fill(this.nowMs / 60_000));
    const facts: Partial<RecordPublic> = {
      job: 'job',
      computer: computerId(new Uint8Array(16)),
      computerName: 'machine',
      sequence: 1 + Math.max(0, ...heads.map(({ public: { sequence } }) => sequence)),
      previous: heads.map((head) => head.digest),
    };
    const summary = { digest, public: facts as RecordPublic, receivedMs: this.nowMs, storedBytes: 1, retired: false };
    known.push({ ...summary, sites: [this.#id(at)] });
  }

  /** The first `count` of what the other has and this one lacks; the other learns of the receipts. */
  follow(at: 0 | 1, count: number): void {
    const from = this.records[1 - at] ?? [];
    const known = new Set(this.records[at].map(({ digest }) => toHex(digest)));
    for (const record of from.filter(({ digest }) => !known.has(toHex(digest))).slice(0, count)) {
      const sites = [...this.ids];
      this.records[at].push({ ...record, sites });
      from[from.indexOf(record)] = { ...record, sites };
    }
  }

  compare(): string[] {
    const views = this.ids.map((site, at): SiteView => ({
      site,
      name: String(at),
      nowMs: this.nowMs,
      ledger,
      records: this.records[at as 0 | 1],
    }));
    const none: SiteMemory = { seen: null, heads: new Map() };
    const found = compareSites(views, (site) => this.memory.get(site[0] ?? 0) ?? none).map((finding) =>
      'view' in finding ? `${finding.type} ${finding.view.name}` : finding.type,
    );
    for (const { site, name, records } of views) {
      const newest = records.at(-1) ?? null;
      if (newest === null || found.includes(`rolled-back ${name}`)) continue;
      const head = { record: newest.digest, sequence: newest.public.sequence };
      const seen = { ledger: ledger.head, orders: 0, newest: newest.digest };
      this.memory.set(site[0] ?? 0, { seen, heads: new Map([['job', head]]) });
    }
    return found;
  }

  #id(at: 0 | 1): SiteId {
    return this.ids[at] ?? siteId(new Uint8Array(16));
  }
}

type Step = { readonly what: 'commit' | 'follow' | 'compare'; readonly at: 0 | 1; readonly count: number };

const steps = fc.array(
  fc.record<Step>({
    what: fc.constantFrom('commit', 'follow', 'compare'),
    at: fc.constantFrom(0, 1),
    count: fc.integer({ min: 1, max: 5 }),
  }),
  { maxLength: 40 },
);

function live(sites: Sites, given: readonly Step[]): void {
  for (const { what, at, count } of given) {
    if (what === 'commit') sites.commit(at);
    else if (what === 'follow') sites.follow(at, count);
    else for (const found of sites.compare()) assert.match(found, /^(?:forked|lagging \d)$/u);
  }
}

test('honest sites are never accused, and when both have all and the job went on, nothing is found', () => {
  fc.assert(
    fc.property(steps, (given) => {
      const sites = new Sites();
      live(sites, given);
      for (const at of [0, 1] as const) sites.follow(at, 1000);
      sites.commit(0);
      sites.follow(1, 1000);
      assert.deepEqual(sites.compare(), []);
    }),
  );
});

test('a site that is set back behind what was seen there is named, and the other one is not', () => {
  fc.assert(
    fc.property(steps, fc.constantFrom<0 | 1>(0, 1), steps, (before, at, after) => {
      const sites = new Sites();
      live(sites, before);
      const image = [...sites.records[at]];
      live(sites, after);
      sites.commit(at);
      sites.compare();
      sites.records[at].splice(0, sites.records[at].length, ...image);
      const found = sites.compare();
      assert.ok(found.includes(`rolled-back ${at}`), found.join());
      assert.ok(!found.some((one) => /^(?:rolled-back|frozen)/u.test(one) && one.endsWith(String(1 - at))), found.join());
    }),
  );
});
