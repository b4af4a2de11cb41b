/* Stored objects of a safe as a twin asks for them: by kind and name, whole, and not verified. */

import { twinObjectBytesMax } from '@twinvault/protocol';
import type { AskedObject } from '@twinvault/protocol';
import { equalBytes, toHex } from '@twinvault/std';
import { storeNameOf } from '../care/stored-objects.ts';
import type { SafeContext } from '../context.ts';

/** Null when it is not there; a pack that stands aside as damaged is not. `site`: whose receipt, where it is not this site's own. */
export function readTwinObject(
  { store, layout, marker }: SafeContext,
  { kind, name, site }: AskedObject,
): Promise<Uint8Array | null> {
  const isOther = kind === 'receipt' && site !== undefined && !equalBytes(site, marker.site);
  const place = isOther ? layout.twin(toHex(site), 'receipts', name) : storeNameOf(layout, kind, name);
  return store.get(place, twinObjectBytesMax[kind]);
}
