/** The language of what is printed: --language, else what the environment says. */
import { Option } from '@commander-js/extra-typings';
import type { KitLanguage } from '@twinvault/paper';
import { systemSurroundings } from './state-directory.ts';
import type { StateSurroundings } from './state-directory.ts';

export const languageOption: Option<'--language <language>', undefined, undefined, undefined, false, 'en' | 'de'> = new Option(
  '--language <language>',
  'language of the recovery kit (default: that of the environment)',
).choices(['en', 'de'] as const);

/** POSIX.1-2017, 8.2: LC_ALL, then LC_MESSAGES, then LANG. */
export function languageOf(
  option: KitLanguage | undefined,
  { environment }: Pick<StateSurroundings, 'environment'> = systemSurroundings(),
): KitLanguage {
  if (option !== undefined) return option;
  const named = [environment['LC_ALL'], environment['LC_MESSAGES'], environment['LANG']].find(
    (value) => value !== undefined && value !== '',
  );
  return named?.toLowerCase().startsWith('de') === true ? 'de' : 'en';
}
