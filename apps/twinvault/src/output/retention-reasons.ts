/** Why a safeset stays or goes, as people are told. */
import type { KeepReason, RetireReason } from '@twinvault/vault';

export const retentionReasons: Readonly<Record<KeepReason | RetireReason, string>> = {
  'minimum-age': 'younger than the minimum age',
  held: 'held or locked',
  flagged: 'flagged: not to be trusted',
  'before-flagged': 'older than a flagged one of its job',
  'newest-good': 'newest good one of its job',
  head: 'newest one of its job',
  days: 'not old enough',
  copies: 'among the newest copies',
  'no-rule': 'its type has no rule',
  erase: 'erase order',
  cap: 'beyond the cap',
  retention: 'old enough, and enough newer copies',
};
