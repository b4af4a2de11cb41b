/**
 * `twinvault vault certificate`: what sites signed about the erase orders of a safe, verified by the key of each site. Ends with 0 when every order that still
 * stands is done at every site that was named.
 */
import { parseEraseCertificate, rootKeyShortForm } from '@twinvault/format';
import type { EraseCertificate } from '@twinvault/format';
import type { EraseSummary, SafeSummary, SiteInfo } from '@twinvault/protocol';
import { CodedError, equalBytes, toHex, utf8Encode } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import { certificateLines, orderJson, partText, stateText } from '../output/erase-orders.ts';
import type { JsonObject } from '../output/output.ts';
import type { VerbContext } from '../wiring/context.ts';
import { ordersNamed } from '../wiring/erase-orders.ts';
import { chosenSafes } from '../wiring/erase-safes.ts';
import type { ChosenSafes } from '../wiring/erase-safes.ts';
import { optionsOfEach, readToken } from '../wiring/open-remote.ts';
import { openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';
import { writeNewFile } from '../wiring/operator-files.ts';
import { knownBy, knownByWords } from '../wiring/site-identity.ts';
import type { KnownBy } from '../wiring/site-identity.ts';

export interface VaultCertificateOptions extends VaultOptions, ChosenSafes {
  readonly order?: string | undefined;
  readonly out?: string | undefined;
}

/** One order of one safe at one site. */
interface Found {
  readonly place: string;
  readonly site: SiteInfo;
  readonly known: KnownBy;
  readonly safe: SafeSummary;
  readonly summary: EraseSummary;
  /** Verified; null before the order was begun there. */
  readonly certificate: EraseCertificate | null;
}

export async function vaultCertificate(context: VerbContext, options: VaultCertificateOptions): Promise<void> {
  const found: Found[] = [];
  const away: { readonly place: string; readonly error: CodedError }[] = [];
  for (const site of await optionsOfEach(context, options)) {
    try {
      found.push(...(await foundAt(context, site)));
    } catch (error) {
      if (!(error instanceof CodedError) || error.retry !== 'later') throw error;
      away.push({ place: site.vault, error });
    }
  }
  const [first] = away;
  if (found.length === 0) throw first?.error ?? new UsageError('There is no erase order here.', 'missing');
  const isOver = ({ summary: { state } }: Found): boolean => state === 'done' || state === 'cancelled' || state === 'unnamed';
  if (first !== undefined || !found.every(isOver)) context.setExit('withErrors');
  const lines = found.flatMap((one, index) => [...(index === 0 ? [] : ['']), ...linesOf(one)]);
  for (const { place, error } of away) lines.push('', `${place} was not asked: ${error.code}. Ask it again later.`);
  if (options.out !== undefined) lines.push('', await save(context, options.out, found));
  context.output.result({ orders: found.map(json), away: away.map(({ place, error }) => ({ place, code: error.code })) }, lines);
}

async function foundAt(context: VerbContext, options: VaultCertificateOptions): Promise<Found[]> {
  await using vault = await openVault(context, options);
  const site = await vault.site();
  const { tokenFile } = options;
  const known = await knownBy(site, tokenFile === undefined ? null : await readToken(context, tokenFile));
  const found: Found[] = [];
  for (const safe of await chosenSafes(vault, { ...options, erased: true })) {
    const erases = await (await vault.openSafe(safe.safe)).erases();
    const wanted = options.order === undefined ? erases : ordersNamed(erases, safe.label, options.order);
    for (const summary of wanted)
      found.push({ place: options.vault, site, known, safe, summary, certificate: verified(site, safe, summary) });
  }
  return found;
}

/** Signed by this site, and about this order. Usage error of exit `trust`, and codes of format, for one that is not. */
function verified({ site, publicKey }: SiteInfo, { safe, label }: SafeSummary, summary: EraseSummary): EraseCertificate | null {
  if (summary.certificate === null) return null;
  const certificate = parseEraseCertificate(summary.certificate);
  const pairs = [
    [certificate.key, publicKey],
    [certificate.site, site],
    [certificate.safe, safe],
    [certificate.order, summary.order],
  ] as const;
  if (pairs.every(([said, wanted]) => equalBytes(said, wanted))) return certificate;
  throw new UsageError(
    `What site ${toHex(site)} gives as its certificate of order ${toHex(summary.order).slice(0, 8)} of safe "${label}" is not signed by the key of this site, or is about something else. It proves nothing.`,
    'trust',
  );
}

function linesOf({ place, site, known, safe, summary, certificate }: Found): string[] {
  const { order, jobs, byRoot } = summary;
  return [
    `Order ${toHex(order).slice(0, 8)} of safe "${safe.label}": ${partText(jobs)}, ordered by ${byRoot ? 'whoever opened the safe' : 'two operators'}`,
    `  at ${place}, site ${toHex(site.site).slice(0, 8)}: ${stateText(summary)}`,
    ...(certificate === null
      ? ['  no certificate: nothing has gone there']
      : [
          ...certificateLines(certificate).map((line) => `  ${line}`.trimEnd()),
          `  signed by ${rootKeyShortForm(site.publicKey)}, ${knownByWords[known]}`,
        ]),
  ];
}

function json({ place, site, known, safe, summary, certificate }: Found): JsonObject {
  const verifiedBy = certificate === null ? null : { key: toHex(site.publicKey), known };
  return { place, safe: toHex(safe.safe), label: safe.label, ...orderJson(summary), verifiedBy };
}

/** The certificates as the sites signed them, a line each. */
async function save({ platform }: VerbContext, out: string, found: readonly Found[]): Promise<string> {
  const texts = found.flatMap(({ summary: { certificate } }) => certificate ?? []);
  if (texts.length === 0)
    throw new UsageError('No site has begun with an order yet, so there is no certificate to write.', 'missing');
  const path = await writeNewFile(platform.files, out, {
    bytes: utf8Encode(texts.map((text) => `${text}\n`).join('')),
    mode: 0o644,
  });
  return `Wrote ${texts.length === 1 ? 'the certificate' : `${texts.length} certificates`} to ${path}, as signed.`;
}
