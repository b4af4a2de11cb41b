/* What a site says of itself, and which safes a capability names. */

import { FormatError, parseSafeDescriptor } from '@twinvault/format';
import type { SafeId } from '@twinvault/format';
import { bodiesInFlightMax, holdersOriginsMax, protocolVersion, rangesBytesMax, rangesMax } from '@twinvault/protocol';
import type { SafeSummary } from '@twinvault/protocol';
import { permits } from '@twinvault/protocol/wire';
import type { Capability, SafesAnswer, SiteAnswer } from '@twinvault/protocol/wire';
import { toHex } from '@twinvault/std';
import type { SiteVault } from '../../site-vault.ts';
import type { Handlers } from '../http/http-app.ts';
import { callerOf, json, nullAt } from './handler-parts.ts';

export function siteHandlers(vault: SiteVault): Handlers {
  return {
    site: async () => {
      const { site, publicKey, generation, nowMs } = await vault.site();
      const answer: SiteAnswer = {
        site: toHex(site),
        publicKey: toHex(publicKey),
        generation: toHex(generation),
        nowMs,
        protocol: { from: protocolVersion, to: protocolVersion },
        limits: { rangesMax, rangesBytesMax, holdersOriginsMax, bodiesInFlightMax },
      };
      return json(answer);
    },
    safes: async (call) => {
      const caller = callerOf(call);
      const named = await safesOf(vault, caller);
      const isTold = permits(caller, 'operate') || permits(caller, 'follow');
      const safes = named.map(({ safe, label, home, erased, customer }) => ({
        safe: toHex(safe),
        label,
        ...(home === undefined ? {} : { home: toHex(home) }),
        ...(erased === undefined ? {} : { erased }),
        ...(!isTold || customer === undefined ? {} : { customer }),
      }));
      const answer: SafesAnswer = { safes };
      return json(answer);
    },
  };
}

/** Whoever may only make safes sees none: an invitation tells nothing about those who were invited before. */
async function safesOf(vault: SiteVault, caller: Capability): Promise<readonly SafeSummary[]> {
  if (caller.safe !== '*') return onlySafe(vault, caller.safe);
  return permits(caller, 'read') || permits(caller, 'operate') ? vault.safes() : [];
}

/** Asks for this one alone: how many others there are shows in nothing, not in time either. */
async function onlySafe(vault: SiteVault, id: SafeId): Promise<SafeSummary[]> {
  const safe = await nullAt('safe-unknown', () => vault.openSafe(id));
  return safe === null ? [] : [{ safe: id, label: labelIn(await safe.descriptor()), ...(await safe.facts()) }];
}

function labelIn(descriptor: Uint8Array): string {
  try {
    return parseSafeDescriptor(descriptor).label;
  } catch (error) {
    if (error instanceof FormatError) return '';
    throw error;
  }
}
