/* The unit for systemd, read by systemd itself: every key is known, and the program that it starts is there. Whether a service starts by it takes a system that runs systemd. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from './support/place.ts';

const unit = fileURLToPath(new URL('../systemd/twinvault-site@.service', import.meta.url));
const repository = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/u, '');
const folder = temporaryDirectory('systemd');
const skip =
  spawnSync('systemd-analyze', ['--version']).status === 0 ? false : 'no systemd-analyze (Debian: apt-get install systemd)';

/** What it says of a unit; nothing of one that it takes as it is. */
function saidOf(name: string, text: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, text);
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', path], { encoding: 'utf8' });
  return status === 0 ? `${stdout}${stderr}` : `${status} ${stdout}${stderr}`;
}

test('systemd takes the unit as it is, and a mistake in it would be told', { skip }, () => {
  const text = readFileSync(unit, 'utf8').replaceAll('/opt/twinvault', repository);
  assert.equal(saidOf('twinvault-site@main.service', text), '');
  assert.match(saidOf('twinvault-other@main.service', text.replace('NoNewPrivileges', 'NoNewPrivilegs')), /Unknown key/u);
  assert.match(saidOf('twinvault-none@main.service', text.replaceAll('bin/twinvault', 'bin/nothing')), /not executable/u);
});
