/*
 * The clock of one of two served sites is far ahead or behind: nothing is retired or deleted at either, and clean-up says why; the computer names
 * the clock, backs up to the other site and restores from it; when the clock is right again both have the same, and what is due goes.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { jsonLines, resultOf } from './command.ts';
import { chance } from './seeds.ts';
import { makeTwins, twinNames } from './twins.ts';
import type { SteadySite } from './steady-site.ts';
import type { TwinPlace } from './twins.ts';
import { filesBelow } from './vault-files.ts';

const library = ['x86_64', 'aarch64']
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`)
  .find((path) => existsSync(path));
export const noFaketime: string | false =
  library !== undefined && spawnSync('faketime', ['--version']).error === undefined ? false : 'faketime is not installed';

/** What makes every clock of a process but the monotonic one wrong. */
function wrongBy(days: number): Readonly<Record<string, string>> {
  return {
    LD_PRELOAD: library ?? '',
    FAKETIME: `${days < 0 ? '-' : '+'}${Math.abs(days)}d`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
}

interface Cleaned {
  readonly records: readonly { readonly action: string; readonly reason: string }[];
  readonly deletedPacks: number;
}

/** Would let all but the newest safeset go, on the site's own machine, whose clock is so many days off, or was looked at and is right. */
function clean(place: TwinPlace, { site }: SteadySite, days: number | 'looked' = 0): ReturnType<TwinPlace['run']> {
  const rules = ['--days', '0', '--copies', '1', '--delay-hours', '0', '--allow-large', '--intraday'];
  const isRight = days === 'looked' || days === 0;
  const ok = days === 'looked' ? ['--clock-ok'] : [];
  return place.run(['clean', '--vault', site.vault, '--safe', 'home', ...rules, ...ok], {
    environment: isRight ? {} : wrongBy(days),
  });
}

/** Packs, records and what is left of retired ones, of both. */
function whatStands(place: TwinPlace): string[] {
  return twinNames.flatMap((name) =>
    filesBelow(place[name].site.vault).filter((path) => /\/(?:packs|records|stubs)\//u.test(path)),
  );
}

async function wrongClock(place: TwinPlace, days: number): Promise<void> {
  const { a } = place;
  await a.stop();
  await a.start({ environment: wrongBy(days) });
  while (!(await place.lags('b')).some(({ problem }) => problem === 'clocks-apart'));
  const before = whatStands(place);
  for (const [twin, own] of [
    [a, days],
    [place.b, 0],
  ] as const) {
    const told = await clean(place, twin, own);
    if (told.status === 0) {
      const { records, deletedPacks } = resultOf<Cleaned>(told);
      assert.equal(deletedPacks, 0, told.told);
      const reasons = records.filter(({ action }) => action === 'retire');
      assert.deepEqual(reasons, [], told.told);
      assert.ok(
        records.some(({ reason }) => ['clock', 'apart', 'no-consent'].includes(reason)),
        told.told,
      );
    } else assert.match(told.told, /"code":"clock-jumped"/u);
  }
  assert.deepEqual(whatStands(place), before, 'nothing went');

  const backedUp = await place.backUp();
  assert.ok(
    jsonLines(backedUp).some(({ type, text }) => type === 'note' && String(text).includes('clocks-apart')),
    backedUp.told,
  );
  const newest = place.stored.at(-1);
  assert.ok(newest);
  await place.assertRestores([...place.base], newest);
}

/** Of one site, from the beginning to the end. */
export async function liveWithWrongClock(t: TestContext, days: number): Promise<void> {
  const place = await makeTwins('two-sites-clock', chance(t), { treeBytes: 2_000_000 });
  await place.backUp();
  await place.backUp();
  await place.untilEqual();
  await wrongClock(place, days);
  await place.a.stop();
  await place.a.start();
  await place.untilEqual();
  for (const name of twinNames) await place.assertAllAt(name, 1);
  // What was held back is due, now that nothing is in the way.
  const { records } = resultOf<Cleaned>(await clean(place, place.a, 'looked'));
  assert.equal(records.filter(({ action }) => action === 'retire').length, place.stored.length - 1);
}
