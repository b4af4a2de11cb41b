import type { ExitName } from './exit-codes.ts';

/** What the caller can put right by calling differently; the message is the whole text shown. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly exit: ExitName;

  constructor(message: string, exit: ExitName = 'usage') {
    super(message);
    this.exit = exit;
  }
}
