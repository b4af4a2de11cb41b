/** Cipher suites as the command names them; what they are is docs/format/keys.md, "Suites". */
import type { Suite } from '@twinvault/format';

export type SuiteChoice = '1' | '2';

export const suiteNames: Readonly<Record<Suite, string>> = {
  1: '1 (AES-256-GCM)',
  2: '2 (AES-256-CBC with HMAC-SHA-256)',
};

export function suiteOfChoice(choice: SuiteChoice): Suite {
  return choice === '2' ? 2 : 1;
}
