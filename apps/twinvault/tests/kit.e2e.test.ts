/*
 * Proves that the recovery kit does what its page says: its words, its code and its PDF open the safe, it is checked on a terminal
 * before older kits end, and a failed check changes nothing.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { kitPdfText } from '@twinvault/paper';
import { kitWords, parseKitText } from '@twinvault/seal';
import { errorOf, launcher, resultOf } from './support/command.ts';
import { makePlace } from './support/place.ts';

const place = makePlace('kit');
const first = place.path('kit.pdf');
const second = place.path('new.pdf');

/** Runs it on a terminal of its own (script of util-linux); `answer` gives what is typed when a question for a word is asked. */
function onTerminal(
  words: readonly string[],
  answer: (number: number) => string,
): Promise<{ status: number | null; told: string }> {
  const line = [launcher, ...words].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['--quiet', '--return', '--command', line, '/dev/null'], {
    cwd: '/',
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let told = '';
  let asked = 0;
  child.stdout.on('data', (bytes: Buffer) => {
    told += bytes.toString();
    const numbers = Array.from(told.matchAll(/Word (\d+): /gu), ([, number]) => Number(number));
    if (numbers.length === asked) return;
    asked = numbers.length;
    child.stdin.write(`${answer(numbers.at(-1) ?? 0)}\n`);
  });
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, told })));
}

function wordsOf(path: string): readonly string[] {
  const text = kitPdfText(readFileSync(path));
  assert.ok(text !== null, 'the file is a kit');
  return kitWords(parseKitText(text));
}

async function opens(kitFile: string): Promise<boolean> {
  const outcome = await place.run('ls', ['--kit-file', kitFile, '--safeset', 'latest']);
  return outcome.status === 0;
}

test('init writes a PDF that opens the safe, as its words do', async () => {
  const words = ['--kit-file', first, '--computer', 'first', '--language', 'de'];
  const made = resultOf<{ kitChecked: boolean }>(await place.run('init', [...place.secret, ...words]));
  assert.equal(made.kitChecked, false, 'there is no terminal');
  assert.equal(statSync(first).mode & 0o777, 0o600);
  assert.match(readFileSync(first, 'latin1'), /\/Lang \(de\)/u);
  await place.backup([place.passwordFile]);
  assert.ok(await opens(first));
  writeFileSync(
    place.path('words'),
    wordsOf(first)
      .map((word, at) => `${at + 1}. ${word.slice(0, 4).toUpperCase()}`)
      .join('\n'),
  );
  assert.ok(await opens(place.path('words')));
  writeFileSync(place.path('wrong'), wordsOf(first).slice(1).join(' '));
  const { code } = errorOf(await place.run('ls', ['--kit-file', place.path('wrong'), '--safeset', 'latest']), 5);
  assert.equal(code, 'kit-damaged');
});

test('a new kit counts once two of its words were typed; before that the old one does', async () => {
  const words = ['safe', 'kit', ...place.base, ...place.secret, '--new-kit-file', second];
  const refused = await onTerminal(words, () => 'abandon abandon');
  assert.equal(refused.status, 2, refused.told);
  assert.ok(!existsSync(second) && (await opens(first)), refused.told);

  const numbers: number[] = [];
  const taken = await onTerminal(words, (number) => {
    numbers.push(number);
    return wordsOf(second)[number - 1] ?? '';
  });
  assert.equal(taken.status, 0, taken.told);
  assert.equal(new Set(numbers).size, 2, taken.told);
  assert.ok(await opens(second));
  errorOf(await place.run('ls', ['--kit-file', first, '--safeset', 'latest']), 5);
});

test('without a terminal it is made unchecked, and says so; an existing file stays', async () => {
  errorOf(await place.run('safe kit', ['--kit-file', second, '--new-kit-file', second]), 2);
  const text = place.path('kit-3.txt');
  const made = resultOf<{ checked: boolean }>(await place.run('safe kit', ['--kit-file', second, '--new-kit-file', text]));
  assert.equal(made.checked, false);
  assert.ok(await opens(text));
});
