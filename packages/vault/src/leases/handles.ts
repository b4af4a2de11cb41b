/* Handles of leases: what a process hands on so that another can carry its lease on. `<lapse in ms> <token, hexadecimal> <name>`. */

import { ProtocolError } from '@twinvault/protocol';

export interface LeaseHandle {
  readonly name: string;
  /** 32 hexadecimal digits. */
  readonly token: string;
  readonly lapseMs: number;
}

export function encodeHandle({ name, token, lapseMs }: LeaseHandle): string {
  return `${lapseMs} ${token} ${name}`;
}

const form = /^(\d{1,9}) ([0-9a-f]{32}) ([0-9a-z/-]{1,256})$/;

/** `vault-damaged` for what is no handle: it came out of the site's own tables. */
export function decodeHandle(handle: string): LeaseHandle {
  const [, lapse = '', token = '', name = ''] = form.exec(handle) ?? [];
  if (name === '') throw new ProtocolError('vault-damaged', { context: { object: 'lease handle' } });
  return { name, token, lapseMs: Number(lapse) };
}
