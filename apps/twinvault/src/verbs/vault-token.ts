/** `twinvault vault token`: a file with which a computer or a person may use a site. */
import { resolve } from 'node:path';
import { computerIdFromHex, safeIdFromHex } from '@twinvault/format';
import type { SafeId } from '@twinvault/format';
import type { Vault } from '@twinvault/protocol';
import type { Verb } from '@twinvault/protocol/wire';
import { equalBytes, toHex } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import type { Output } from '../output/output.ts';
import type { VerbContext } from '../wiring/context.ts';
import { openSite } from '../wiring/open-site.ts';
import { siteTrust } from '../wiring/site-certificate.ts';
import { loadConfig } from '../wiring/site-files.ts';
import { makeToken } from '../wiring/site-token.ts';
import type { TokenGrant } from '../wiring/site-token.ts';

export interface VaultTokenOptions {
  readonly config: string;
  readonly tokenFile: string;
  readonly safe?: string;
  readonly allSafes?: true;
  readonly verbs: readonly Verb[];
  readonly computer?: string;
  readonly customer?: string;
  readonly days: number;
}

export async function vaultToken({ platform, output }: VerbContext, options: VaultTokenOptions): Promise<void> {
  const grant = grantOf(options);
  const config = await loadConfig(platform, options.config);
  const file = resolve(options.tokenFile);
  await using site = await openSite(platform, config);
  if (grant.safe !== '*') await noteUnknown(site.vault, grant.safe, output);
  const trust = await siteTrust(platform, config);
  const place = { site: await site.vault.site(), key: site.key, address: config.address, trust };
  const { bytes, endsMs } = await makeToken(platform, place, grant);
  if (!(await platform.files.create(file, [bytes], { mode: 0o600 }))) {
    throw new UsageError(`${file} is there already. Give the name of a new file.`);
  }
  const ends = new Date(endsMs).toISOString().slice(0, 10);
  output.result({ file, address: config.address, verbs: [...options.verbs], ends: endsMs }, [
    `Wrote ${file}: it is good until ${ends} for ${options.verbs.join(', ')}.`,
    'Whoever has this file can do that: hand it over as you would a password.',
  ]);
}

/** Not refused: of two sites, this one may not have taken the safe in yet. */
async function noteUnknown(vault: Vault, safe: SafeId, output: Output): Promise<void> {
  const isThere = (await vault.safes()).some((each) => equalBytes(each.safe, safe));
  if (!isThere) output.note(`This site has no safe ${toHex(safe)}: is the id right? twinvault init and vault safes show it.`);
}

function grantOf({ safe, allSafes, verbs, computer, customer, days }: VaultTokenOptions): TokenGrant {
  if ((safe === undefined) === (allSafes === undefined)) {
    throw new UsageError('Give the id of one safe with --safe, or --all-safes.');
  }
  const whole = verbs.find((verb) => verb === 'operate' || verb === 'follow');
  if (safe !== undefined && whole !== undefined) {
    throw new UsageError(`The verb ${whole} is for the whole site: it goes with --all-safes.`);
  }
  if (customer !== undefined && !verbs.includes('create')) {
    throw new UsageError(
      '--customer goes with the verb create: a safe belongs to the customer whose token made it. For one that is there, use twinvault vault assign.',
    );
  }
  return {
    safe: safe === undefined ? '*' : idOf(safe, '--safe', safeIdFromHex),
    verbs,
    days,
    ...(computer === undefined ? {} : { computer: idOf(computer, '--computer', computerIdFromHex) }),
    ...(customer === undefined ? {} : { customer }),
  };
}

function idOf<T>(text: string, option: string, parse: (text: string) => T): T {
  if (!/^[0-9a-f]{32}$/iu.test(text))
    throw new UsageError(
      `${option} takes an id: 32 hexadecimal digits, as twinvault safesets --json or the log of the site shows it.`,
    );
  return parse(text);
}
