/* Parameters of a path: ids and digests as lower-case hexadecimal, checked by their names before anything else sees them. */

import { digestDigits, idDigits, ProtocolError } from '@twinvault/protocol';

const digitsOf: Readonly<Record<string, number>> = {
  safe: idDigits,
  session: idDigits,
  reading: idDigits,
  task: idDigits,
  digest: digestDigits,
  name: digestDigits,
};

/** `request-invalid` for one that has not the form of its kind. */
export function checkedParameters(parameters: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(parameters)) {
    if (value.length !== digitsOf[name] || !/^[0-9a-f]*$/u.test(value)) {
      throw new ProtocolError('request-invalid', { context: { defect: 'parameter', name } });
    }
  }
  return parameters;
}
