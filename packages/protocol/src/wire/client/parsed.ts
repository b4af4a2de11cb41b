/** What parses objects throws codes of `format`; the vault port throws `ProtocolError` alone, with the same codes. */

import { FormatError } from '@twinvault/format';
import { ProtocolError } from '../../errors.ts';

export function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new ProtocolError(error.code, { context: error.context, cause: error });
  }
}
