/* At which sites a record stands: told by the receipts that this site verified. */

import type { SiteId } from '@twinvault/format';
import type { RecordSummary } from '@twinvault/protocol';
import { toHex } from '@twinvault/std';
import type { SafeContext } from '../context.ts';

/** This site first; a site that has no twin tells nothing. */
export async function withSites(context: SafeContext, records: readonly RecordSummary[]): Promise<readonly RecordSummary[]> {
  const { twins, marker, store, layout } = context;
  const sites = await twins.sites();
  if (sites.length === 0) return records;
  const others: { readonly site: SiteId; readonly digests: ReadonlySet<string> }[] = [];
  for (const { site } of sites) {
    others.push({ site, digests: new Set(await store.list(layout.twin(toHex(site), 'receipts'))) });
  }
  return records.map((record) => {
    const hex = toHex(record.digest);
    const there = others.filter(({ digests }) => digests.has(hex)).map(({ site }) => site);
    return { ...record, sites: [marker.site, ...there] };
  });
}
