/* JSON from outside, held to its schema. */

import type { Static, TSchema } from 'typebox';
import { Check } from 'typebox/value';
import { ProtocolError } from '../errors.ts';
import type { ProtocolErrorCode } from '../errors.ts';

/** The value of a text in JSON; throws `code` (context: why) when it is none or does not follow the schema. Its length is the caller's to limit. */
export function checkJson<Schema extends TSchema>(
  schema: Schema,
  text: string,
  code: ProtocolErrorCode = 'answer-invalid',
): Static<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The message of JSON.parse quotes the text.
    throw new ProtocolError(code, { context: { defect: 'no JSON' } });
  }
  return checkValue(schema, value, code);
}

/** The same of what was parsed already. */
export function checkValue<Schema extends TSchema>(
  schema: Schema,
  value: unknown,
  code: ProtocolErrorCode = 'answer-invalid',
): Static<Schema> {
  if (!Check(schema, value)) throw new ProtocolError(code, { context: { defect: 'schema' } });
  return value;
}
