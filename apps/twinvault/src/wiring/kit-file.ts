/** The file with a recovery kit: a PDF to print or plain text, and the check that somebody can read it. */
import { rootKeyShortForm } from '@twinvault/format';
import { kitPdf } from '@twinvault/paper';
import type { KitLanguage } from '@twinvault/paper';
import { formatKitCode, kitText, kitWords } from '@twinvault/seal';
import type { Kit } from '@twinvault/seal';
import type { Files, Random } from '@twinvault/std';
import { toHex, utf8Encode } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import type { VerbContext } from './context.ts';
import { askVisible, hasTerminal } from './terminal.ts';

const attemptsMax = 3;

export async function demandNewFile(files: Files, path: string): Promise<void> {
  if ((await files.stat(path)) === null) return;
  throw new UsageError(`${path} exists already. Name a new file for the recovery kit: an existing one is never overwritten.`);
}

/** A PDF where the name ends so, text otherwise; only its owner may read it. */
export async function writeKit(
  files: Files,
  path: string,
  { kit, language }: { readonly kit: Kit; readonly language: KitLanguage },
): Promise<void> {
  const bytes = /\.pdf$/iu.test(path) ? kitPdf(pageOf(kit, language)) : utf8Encode(kitText(kit));
  if (!(await files.create(path, [bytes], { mode: 0o600 }))) await demandNewFile(files, path);
}

function pageOf(kit: Kit, language: KitLanguage): Parameters<typeof kitPdf>[0] {
  const { label, safe, rootKey, code, createdMs } = kit;
  return {
    label,
    safeId: toHex(safe),
    rootKey: rootKeyShortForm(rootKey),
    words: kitWords(code),
    code: formatKitCode(safe, code),
    createdMs,
    language,
  };
}

/**
 * Asks for two of the words, as they stand on the printed kit. False when it was not asked: there is no terminal, or the caller
 * does not want it. Throws a UsageError after three wrong answers.
 */
export async function checkKit(
  { output, platform }: VerbContext,
  path: string,
  { kit, isWanted }: { readonly kit: Kit; readonly isWanted: boolean },
): Promise<boolean> {
  if (!isWanted || !hasTerminal()) return false;
  output.note(
    `The recovery kit is in ${path}. Open it, print it, and type two of its words, so that it is certain that it can be read.`,
  );
  const words = kitWords(kit.code);
  for (const number of twoOf(words.length, platform.random)) {
    for (let attempt = 1; ; attempt += 1) {
      const typed = (await askVisible(`Word ${number}: `)).trim().toLowerCase();
      const word = words[number - 1] ?? '';
      if (typed === word || (typed.length >= 4 && word.startsWith(typed))) break;
      if (attempt === attemptsMax)
        throw new UsageError(`That is not word ${number} of the kit in ${path}. Nothing was changed; the file was removed.`);
      output.note(`That is not word ${number}. The words are counted down the columns.`);
    }
  }
  return true;
}

/** Two different numbers from 1 on, in order. */
function twoOf(count: number, random: Random): readonly number[] {
  const [a = 0, b = 0] = random.bytes(2);
  const first = a % count;
  const second = (first + 1 + (b % (count - 1))) % count;
  return [first + 1, second + 1].toSorted((x, y) => x - y);
}
