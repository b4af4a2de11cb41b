/**
 * Where secrets come from: a file or the terminal, never the command line or the environment (other users of the machine can read both).
 */
import type { Files } from '@twinvault/std';
import { StdError, utf8Decode } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import { askHidden, askLines, hasTerminal, readStandardInput } from './terminal.ts';

const passwordFileBytesMax = 4096;
const kitFileBytesMax = 65_536;
/** "%PDF-" */
const pdfHead = [0x25, 0x50, 0x44, 0x46, 0x2d] as const;

export interface SecretOptions {
  readonly passwordFile?: string | undefined;
  readonly kitFile?: string | undefined;
  readonly escrowFile?: string | undefined;
}

export type Secret =
  | { readonly type: 'password'; readonly password: string }
  | { readonly type: 'kit' | 'escrow'; readonly text: string };

/** A text file of keys that are no passwords. */
export function keyFileText(files: Files, path: string, what: string): Promise<string> {
  return textFile(files, path, kitFileBytesMax, what);
}

/** The first line of the file, without its line end. */
async function passwordFromFile(files: Files, path: string): Promise<string> {
  const text = await textFile(files, path, passwordFileBytesMax, 'password file');
  const password = text.split(/\r?\n/u, 1)[0] ?? '';
  if (password === '') throw new UsageError(`The password file ${path} is empty. Put the password into its first line.`);
  return password;
}

/** The text or PDF of a kit, or what somebody types. */
async function kitFromFile(files: Files, path: string): Promise<string> {
  if (path === '-' && hasTerminal()) {
    return await askLines('Type the 24 words of the recovery kit or its code, in one line or several, then an empty line:');
  }
  return textFile(files, path, kitFileBytesMax, 'recovery kit');
}

async function textFile(files: Files, path: string, bytesMax: number, what: string): Promise<string> {
  const bytes = path === '-' ? await readStandardInput(bytesMax) : await plainFile(files, path, { bytesMax, what });
  if (bytes === null) throw new UsageError(`There is no ${what} at ${path}.`);
  const text = (await kitText(bytes)) ?? utf8Decode(bytes);
  if (text === null) throw new UsageError(`The ${what} ${path} is not UTF-8 text.`);
  return text;
}

/** The text of a kit's PDF, null for anything else. Only for a PDF what makes them is loaded: 14 ms. */
async function kitText(bytes: Uint8Array): Promise<string | null> {
  if (!pdfHead.every((byte, index) => bytes[index] === byte)) return null;
  const { kitPdfText } = await import('@twinvault/paper');
  return kitPdfText(bytes);
}

async function plainFile(
  files: Files,
  path: string,
  { bytesMax, what }: { bytesMax: number; what: string },
): Promise<Uint8Array | null> {
  try {
    return await files.read(path, bytesMax);
  } catch (error) {
    if (!(error instanceof StdError)) throw error;
    if (error.code === 'file-too-large') throw new UsageError(`The ${what} ${path} is too large for one. Is it another file?`);
    if (error.context['kind'] === undefined) throw error;
    throw new UsageError(
      `The ${what} ${path} is not a plain file. What comes from another program is read from standard input: give "-".`,
    );
  }
}

/** An existing secret: the files if named, else the terminal. */
export async function readSecret(files: Files, options: SecretOptions, safeLabel: string): Promise<Secret> {
  const given = [options.passwordFile, options.kitFile, options.escrowFile].filter((file) => file !== undefined);
  if (given.length > 1) throw new UsageError('Give only one of --password-file, --kit-file and --escrow-file.');
  if (options.escrowFile !== undefined)
    return { type: 'escrow', text: await textFile(files, options.escrowFile, kitFileBytesMax, 'escrow key') };
  if (options.kitFile !== undefined) return { type: 'kit', text: await kitFromFile(files, options.kitFile) };
  if (options.passwordFile !== undefined)
    return { type: 'password', password: await passwordFromFile(files, options.passwordFile) };
  return { type: 'password', password: await askHidden(`Password of safe "${safeLabel}": `) };
}

export function hasSecret(options: SecretOptions): boolean {
  return options.kitFile !== undefined || options.passwordFile !== undefined || options.escrowFile !== undefined;
}

/** A new password: from its file, or asked for twice. */
export async function readNewPassword(files: Files, passwordFile: string | undefined): Promise<string> {
  if (passwordFile !== undefined) return passwordFromFile(files, passwordFile);
  const password = await askHidden('New password (at least 14 characters): ');
  const again = await askHidden('The same password again: ');
  if (password !== again) throw new UsageError('The two passwords differ. Nothing was changed.');
  return password;
}
