/* Parameters of a path: ids and digests as lower-case hexadecimal, kinds and names of objects, checked by their names before anything else sees them. */

import { digestDigits, idDigits, ProtocolError, twinObjectKinds } from '@twinvault/protocol';

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
    if (!hasForm(name, value, parameters['kind'])) {
      throw new ProtocolError('request-invalid', { context: { defect: 'parameter', name } });
    }
  }
  return parameters;
}

function hasForm(name: string, value: string, kind: string | undefined): boolean {
  if (name === 'kind') return twinObjectKinds.some((known) => known === value);
  if (name === 'name' && kind === 'ledger') return /^\d{10}$/u.test(value);
  return value.length === digitsOf[name] && /^[0-9a-f]*$/u.test(value);
}
