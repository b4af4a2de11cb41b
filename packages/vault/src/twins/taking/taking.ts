/* What the steps of a taking in share: the safe here, the source, and what became durable. */

import type { TwinObjectKind, TwinSource } from '@twinvault/protocol';
import type { NewObject } from '../../database/inventory.ts';
import type { SegmentWriter } from '../../packs/segments.ts';
import type { SafeParts } from '../../site-safe.ts';
import type { TwinSite } from '../twins.ts';

export interface Taking {
  readonly parts: SafeParts;
  readonly source: TwinSource;
  /** Who the source is, where it is a site that keeps the same safes: its receipts and tombstones are kept. */
  readonly twin: TwinSite | null;
  readonly segments: SegmentWriter;
  readonly signal: AbortSignal | undefined;
  /** Says that an object became durable here. */
  readonly took: (object: NewObject) => void;
  /** Says that a record became durable here of which the source kept this site's own receipt: the site had it before, and lost it. */
  readonly returned: () => void;
}

/** `gone`: not there any more. */
export type Taken = 'taken' | 'present' | 'gone';

/** Null when it is not there. Nothing of it is verified. */
export function bytesOf({ source, parts }: Taking, kind: TwinObjectKind, name: string): Promise<Uint8Array | null> {
  return source.object(parts.context.safe, { kind, name });
}
