/** Options that several verbs share. */
import { InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { customerBytesMax } from '@twinvault/protocol';
import type { VerbContext } from './wiring/context.ts';

export type RunVerb = (json: boolean, body: (context: VerbContext) => Promise<void>) => Promise<void>;

/** '' where it was left out: `makeProgram` puts there what the token files say before the verb runs. */
export function vaultOption(): Option<'--vault <address>', undefined, ''> {
  return new Option(
    '--vault <address>',
    'the vault: a directory, or https:// and the address of a site; two sites with a comma between them',
  )
    .env('TWINVAULT_VAULT')
    .default('' as const, 'the site that the token is for');
}

export const tokenOption: Option<'--token-file <file>'> = new Option(
  '--token-file <file>',
  'the token for a site, as twinvault vault token wrote it; for two sites two, with a comma between them',
).env('TWINVAULT_TOKEN_FILE');

const limitHelp = 'bytes per second over the network, such as 2M, or 500k@08:00-18:00 for a part of the day; may be repeated';
export const limitUploadOption: Option<'--limit-upload <rate>', undefined, undefined, string[]> = new Option(
  '--limit-upload <rate>',
  `send at most so many ${limitHelp}`,
)
  .env('TWINVAULT_LIMIT_UPLOAD')
  .argParser(collect);
export const limitDownloadOption: Option<'--limit-download <rate>', undefined, undefined, string[]> = new Option(
  '--limit-download <rate>',
  `receive at most so many ${limitHelp}`,
)
  .env('TWINVAULT_LIMIT_DOWNLOAD')
  .argParser(collect);

export function safeOption(): Option<'--safe <name>', undefined, undefined, undefined, true> {
  return new Option('--safe <name>', "the safe's name or its id").makeOptionMandatory(true);
}

export const stateOption: Option<'--state <directory>'> = new Option(
  '--state <directory>',
  "where this computer keeps its keys and caches (default: the platform's place)",
);
export const passwordOption: Option<'--password-file <file>'> = new Option(
  '--password-file <file>',
  'read the password from the first line of this file',
);
export const kitOption: Option<'--kit-file <file>'> = new Option(
  '--kit-file <file>',
  'open the safe with the recovery kit in this file; "-": type its words or its code',
);
export const escrowOption: Option<'--escrow-file <file>'> = new Option(
  '--escrow-file <file>',
  "open the safe with the private escrow key in this file, where the safe has its owner's public one",
);
export const jsonOption: Option<'--json'> = new Option('--json', 'print one JSON object per line, for programs');

/** For the help of whatever takes the number of a suite (docs/format/keys.md, Suites). */
export const suitesHelp: string = '1 is AES-256-GCM; 2 is AES-256-CBC with HMAC-SHA-256, for where a contract names CBC';

/** A whole number in a range, for commander. */
export function wholeNumber(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/u.test(text) || value < minimum || value > maximum) {
      throw new InvalidArgumentError(`It must be a whole number from ${minimum} to ${maximum}.`);
    }
    return value;
  };
}

/** The name of a customer, for commander. */
export function customerName(text: string): string {
  if (text === '' || text.length > customerBytesMax || /\p{Cc}/u.test(text))
    throw new InvalidArgumentError(`It must have 1 to ${customerBytesMax} characters, none of them a control character.`);
  return text;
}

/** An option that may be repeated. */
export function collect(value: string, all: string[] | undefined): string[] {
  return [...(all ?? []), value];
}

export function safesetOption(): Option<'--safeset <id>', undefined, undefined, undefined, true> {
  return new Option('--safeset <id>', 'the beginning of a safeset\'s id, or "latest"').makeOptionMandatory(true);
}

/** Options of a run of a job: `backup` and `seed create`. */
export const runJobOption: Option<'--job <name>', undefined, 'default'> = new Option(
  '--job <name>',
  'name of the job: each job has its own chain of safesets',
).default('default' as const);
export const typeOption: Option<'--type <name>', undefined, 'standard'> = new Option(
  '--type <name>',
  'retention type of this safeset: clean decides by it',
).default('standard' as const);
export const excludeOption: Option<'--exclude <pattern>', undefined, undefined, string[]> = new Option(
  '--exclude <pattern>',
  'leave out what matches, in gitignore syntax; may be repeated',
).argParser(collect);
export const excludeFileOption: Option<'--exclude-file <file>'> = new Option(
  '--exclude-file <file>',
  'read such patterns from this file, one a line',
);
export const oneFileSystemOption: Option<'--one-file-system'> = new Option(
  '--one-file-system',
  'do not enter other file systems',
);
export const includeCachesOption: Option<'--include-caches'> = new Option(
  '--include-caches',
  'also keep the content of directories marked by CACHEDIR.TAG',
);
export const compressionOption: Option<'--compression <level>', undefined, undefined, number> = new Option(
  '--compression <level>',
  'zstd level, 1 (fast) to 19 (small)',
).argParser(wholeNumber(1, 19));
