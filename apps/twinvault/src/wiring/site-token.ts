/* Capabilities signed with a site's own key, as files to hand over. */
import type { SiteInfo } from '@twinvault/protocol';
import { encodeTokenFile, signCapability } from '@twinvault/protocol/wire';
import type { CapabilityGrant } from '@twinvault/protocol/wire';
import { dayMs } from '@twinvault/std';
import type { Platform } from '@twinvault/std';
import type { SiteKey } from '@twinvault/vault';
import { VaultError } from '@twinvault/vault';
import type { SiteTrust } from './site-certificate.ts';

export interface TokenPlace {
  readonly site: SiteInfo;
  readonly key: SiteKey;
  /** The site's, as clients know it. */
  readonly address: string;
  readonly trust: SiteTrust;
}

export type TokenGrant = Pick<CapabilityGrant, 'safe' | 'verbs' | 'computer' | 'customer'> & { readonly days: number };

export interface MadeToken {
  /** Of the token file. */
  readonly bytes: Uint8Array;
  readonly endsMs: number;
}

/** `secret-missing` where the site's secret key is not on this machine; `capability-invalid` for what no site would accept. */
export async function makeToken(
  { clock, random }: Platform,
  place: TokenPlace,
  { days, ...grant }: TokenGrant,
): Promise<MadeToken> {
  const { site, key, address, trust } = place;
  const seed = await key.read();
  if (seed === null) throw new VaultError('secret-missing', { context: { localPath: "the site's key" } });
  const nowMs = clock.nowMs();
  const endsMs = nowMs + days * dayMs;
  const whole = { ...grant, site: site.site, notBeforeMs: nowMs, endsMs };
  const capability = await signCapability(whole, { seed, nowMs, id: random.bytes(16) });
  return { bytes: encodeTokenFile({ vault: address, ...trust, capability }), endsMs };
}
