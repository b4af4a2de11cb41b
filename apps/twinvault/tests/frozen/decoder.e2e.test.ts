/*
 * Proves that the pages of the format suffice to get everything back: the independent reader, which knows nothing but them, reads every frozen safe to what
 * Twinvault wrote down, restores it to the same tree as Twinvault does, and refuses the damaged ones.
 */

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { restore } from '@twinvault/engine';
import { kitWordList, kitWords, openSafeReader, parseKitText, writeSecret } from '@twinvault/seal';
import { linuxTarget } from '@twinvault/sources';
import { toHex, utf8Encode } from '@twinvault/std';
import { nodePlatform } from '@twinvault/std/node';
import { compareTrees, decoderMissing, inlineThreads, runDecoder } from '@twinvault/testkit';
import { brokenSafes } from './broken.ts';
import type { Broken } from './broken.ts';
import { changed, expectedSafesets, frozenVault, writeVault } from './frozen-files.ts';
import { openFrozen } from './listing.ts';
import { frozenFolder, frozenNames, frozenPassword } from './places.ts';
import type { FrozenName } from './places.ts';

const skip = decoderMissing();
const scratch = mkdtempSync(join(tmpdir(), 'twinvault-frozen-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

function secretWords(name: FrozenName, kind: 'password' | 'kit'): string[] {
  return kind === 'kit'
    ? ['--kit-file', join(frozenFolder, name, 'kit.txt')]
    : ['--password-file', join(frozenFolder, name, 'password')];
}

for (const name of frozenNames) {
  test(`${name}: the independent reader finds in it what Twinvault wrote down`, { skip }, async () => {
    for (const kind of ['password', 'kit'] as const) {
      const words = [join(frozenFolder, name, 'vault'), ...secretWords(name, kind), '--safeset', 'all', '--list'];
      const { status, stdout, stderr } = await runDecoder('twinvault_decode.py', words);
      assert.equal(status, 0, stderr);
      const listed = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown);
      assert.deepEqual(listed, expectedSafesets(name));
    }
  });

  test(`${name}: it restores the same tree as Twinvault`, { skip }, async () => {
    const record = expectedSafesets(name).at(-1)?.record ?? '';
    const [ours, theirs] = ['ours', 'theirs'].map((side) => join(scratch, name, side)) as [string, string];
    const words = [join(frozenFolder, name, 'vault'), ...secretWords(name, 'kit'), '--safeset', record, '--to', theirs];
    const { status, stderr } = await runDecoder('twinvault_decode.py', words);
    // A file that could never be read is left out, and other things where the system or the user cannot have them.
    assert.equal(status, 3, stderr);
    await restoreHere(name, record, ours);
    for (const side of [ours, theirs]) openClosed(join(side, 'root/kinds/closed'));
    assert.deepEqual(
      compareTrees(join(ours, 'root'), join(theirs, 'root')).filter((difference) => !difference.startsWith('"./denied"')),
      [],
    );
  });
}

/** A file that its owner may not read: for the comparison he may. */
function openClosed(path: string): void {
  assert.equal(statSync(path).mode & 0o7777, 0);
  chmodSync(path, 0o400);
}

async function restoreHere(name: FrozenName, record: string, to: string): Promise<void> {
  const copy = join(scratch, name, 'vault');
  writeVault(copy, frozenVault(name));
  mkdirSync(to, { recursive: true });
  const frozen = await openFrozen(copy, nodePlatform(), { type: 'password', password: frozenPassword });
  const reader = openSafeReader({ vaultSafe: frozen.safe, opened: frozen.opened });
  const digest = (await reader.safesets()).find((summary) => toHex(summary.digest) === record)?.digest;
  assert.ok(digest);
  const safeset = await reader.open(digest);
  await using _held = safeset;
  const { catalog, chunks, reading } = safeset;
  const report = await restore({
    contents: { writeSecret: writeSecret(frozen.opened.rootSecret), catalog, chunks, reading },
    target: linuxTarget({ root: utf8Encode(to) }),
    threads: inlineThreads(),
    paths: [],
    strip: new Uint8Array(),
    conflict: 'overwrite',
  });
  assert.equal(report.damagedChunks, 0);
  await frozen.vault[Symbol.asyncDispose]();
}

test('it refuses each damage that it comes across', { skip }, async () => {
  const all = brokenSafes();
  const left = all.entries();
  const worker = async (): Promise<void> => {
    for (const [index, broken] of left)
      assert.equal(await statusOf(index, broken), broken.decoder, `${broken.of}: ${broken.name}`);
  };
  await Promise.all([worker(), worker()]);
});

async function statusOf(index: number, { of, changes }: Broken): Promise<number> {
  const folder = join(scratch, `broken ${index}`);
  writeVault(folder, changed(frozenVault(of), changes));
  const words = [folder, ...secretWords(of, 'kit'), '--safeset', 'all', '--list'];
  const { status } = await runDecoder('twinvault_decode.py', words);
  rmSync(folder, { recursive: true });
  return status;
}

test('it opens a safe with its escrow key, a kit that is a PDF, and the words of a kit', { skip }, async () => {
  const folder = join(frozenFolder, 'complete');
  const expected = expectedSafesets('complete');
  const comments = readFileSync(join(folder, 'kit.txt'), 'utf8').match(/^(Safe id|Code):.*$/gmu) ?? [];
  const pdf = join(scratch, 'kit.pdf');
  writeFileSync(pdf, ['%PDF-1.4', ...comments.map((line) => `% Twinvault kit: ${line}`), '1 0 obj', ''].join('\n'));
  const text = readFileSync(join(folder, 'kit.txt'), 'utf8');
  const spelled = join(scratch, 'words');
  const code = parseKitText(text);
  writeFileSync(
    spelled,
    kitWords(code)
      .map((word, index) => `${index + 1}. ${word.slice(0, 4).toUpperCase()}`)
      .join('\n'),
  );
  const list = join(scratch, 'english.txt');
  writeFileSync(list, `${kitWordList.join('\n')}\n`);
  for (const words of [
    ['--kit-file', spelled, '--words', list],
    ['--escrow-file', join(folder, 'escrow.txt')],
    ['--kit-file', pdf],
  ]) {
    const { status, stdout, stderr } = await runDecoder('twinvault_decode.py', [join(folder, 'vault'), ...words, '--list']);
    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), expected.at(-1));
  }
});

test('another password or kit opens nothing, and says so', { skip }, async () => {
  const wrong = join(scratch, 'wrong');
  writeFileSync(wrong, 'not the password of this safe\n');
  const vault = join(frozenFolder, 'suite-1', 'vault');
  assert.equal((await runDecoder('twinvault_decode.py', [vault, '--password-file', wrong, '--list'])).status, 5);
  const { status, stderr } = await runDecoder('twinvault_decode.py', [vault, ...secretWords('suite-2', 'kit'), '--list']);
  assert.deepEqual([status, stderr], [4, 'Refused: check of the code\n']);
});
