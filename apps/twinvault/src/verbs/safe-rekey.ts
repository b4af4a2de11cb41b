/** `twinvault safe rekey`: everything of a safe into a new one, with new keys, a new password and a new kit. */
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { headsOfCopies, rekey, safesetsToCopy } from '@twinvault/engine';
import type { CopiedSafeset, RekeyReport } from '@twinvault/engine';
import { computerId, rootKeyShortForm } from '@twinvault/format';
import type { LastRecord, MarkPayload, RetentionPayload } from '@twinvault/format';
import type { KitLanguage } from '@twinvault/paper';
import { ProtocolError } from '@twinvault/protocol';
import type { Vault, VaultSafe } from '@twinvault/protocol';
import {
  enrolHere,
  escrowsOf,
  handoverEntry,
  makeSafe,
  openSafe,
  ownerEntries,
  revokeEntry,
  succeeds,
  successionEntry,
} from '@twinvault/seal';
import type { AgentKeys, OpenedSafe } from '@twinvault/seal';
import { compareBytes, equalBytes, formatBytes, toHex, utf8Encode } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import type { VerbContext } from '../wiring/context.ts';
import { checkKit, demandNewFile, writeKit } from '../wiring/kit-file.ts';
import { languageOf } from '../wiring/language.ts';
import type { OpenSafeOptions } from '../wiring/open-safe.ts';
import { openState, openWithSecret, safeState } from '../wiring/open-safe.ts';
import { sitesOf } from '../wiring/compare-sites.ts';
import { vaultOfTokens } from '../wiring/named-vault.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';
import type { FoundSafe } from '../wiring/open-vault.ts';
import { readNewPassword, readSecret } from '../wiring/passwords.ts';
import { stateDirectory } from '../wiring/state-directory.ts';
import { admitComputers, leaveOld, nameSuccessor } from '../wiring/succession.ts';
import type { SafeAndKeys } from '../wiring/succession.ts';
import { requireStrength } from './init.ts';
import { formatCount } from '../output/table.ts';

export interface RekeyVerbOptions extends OpenSafeOptions, VaultOptions {
  readonly safe: string;
  readonly newSafe: string;
  readonly newVault?: string | undefined;
  readonly newTokenFile?: string | undefined;
  readonly newKitFile?: string | undefined;
  readonly newPasswordFile?: string | undefined;
  readonly language?: KitLanguage | undefined;
  /** False with --no-check. */
  readonly check: boolean;
  /** False with --no-computers: none of the old safe's computers is admitted. */
  readonly computers: boolean;
}

/** A revocation names at most so many jobs (docs/format/keys.md). */
const revokedJobsMax = 1024;

/** Of the site that takes the copies: of two, the first that serves, home before the other. */
async function receivingKey(vault: Vault, safe: VaultSafe): Promise<Uint8Array> {
  const [first] = await (await sitesOf(vault, safe, { vault: '' })).atSites();
  return (first?.site.info ?? (await vault.site())).publicKey;
}

/** A token of the old vault is none for another one. */
function newVaultOptions(options: RekeyVerbOptions, newVault: string): VaultOptions {
  return { ...options, vault: newVault, tokenFile: options.newTokenFile };
}

export async function safeRekey(context: VerbContext, asked: RekeyVerbOptions): Promise<void> {
  const { newVault, newTokenFile } = asked;
  const isNamed = newVault !== undefined || newTokenFile === undefined;
  const options = isNamed ? asked : { ...asked, newVault: await vaultOfTokens(context, newTokenFile) };
  await using vault = await openVault(context, options);
  const found = await openNamedSafe(vault, options.safe);
  const before = await openWithSecret(context, found, options);
  await using other =
    options.newVault === undefined ? null : await openVault(context, newVaultOptions(options, options.newVault));
  const target = other ?? vault;
  await demandNoSuccessor([vault, target], found, { before, options });
  const known = (await target.safes()).some(({ label }) => label === options.newSafe);
  const begun = known ? await goOn(context, target, { before, options }) : await begin(context, target, { before, options });
  const agent = await copyingAgent(context, begun, options);
  const siteKey = await receivingKey(target, begun.safe);
  const { report, opened: copied } = await copyAll(context, { next: begun, agent, old: found.safe, before, siteKey });
  // Computers may have come, or been revoked, while it was copied.
  const old = { safe: found.safe, opened: await readAgain({ safe: found.safe, opened: before }) };
  const { safe } = begun;
  let opened = await conclude(context, {
    next: { safe, opened: copied },
    agent,
    report,
    before: old.opened,
    options,
  });
  let admitted: readonly string[] = [];
  if (options.computers) ({ opened, names: admitted } = await admitComputers(context, { old, next: { safe, opened } }));
  const named = await nameSuccessor(context, { old, next: { safe, opened } });
  await leaveOld(context, options.state, { old: { ...old, opened: named.old }, next: { safe, opened } });
  context.progress.finish();
  const hadEscrow = escrowsOf(before.ledger, await old.safe.slots()).length > 0;
  tell(context, { old: found, opened, report, options, hadEscrow, admitted, result: named.result });
}

/** A safe is followed by one other: its computers never go to a second one. */
async function demandNoSuccessor(vaults: readonly Vault[], old: FoundSafe, { before, options }: RekeyParts): Promise<void> {
  const successor = before.ledger.successor();
  if (successor === null) return;
  const safes = (await Promise.all(vaults.map(async (vault) => await vault.safes()))).flat();
  const label = safes.find(({ safe }) => equalBytes(safe, successor.safe))?.label;
  if (label === undefined || label === options.newSafe) return;
  throw new UsageError(`Safe "${old.label}" was given new keys before: "${label}" took its place. Give that one to --safe.`);
}

interface CopyToDo extends Pick<RekeyParts, 'before'> {
  readonly next: SafeAndKeys;
  readonly agent: AgentKeys;
  readonly old: VaultSafe;
  readonly siteKey: Uint8Array;
}

/** What computers store meanwhile is copied by a further pass. */
const passesMax = 8;

async function copyAll(
  context: VerbContext,
  { next, agent, old, before, siteKey }: CopyToDo,
): Promise<{ readonly report: RekeyReport; readonly opened: OpenedSafe }> {
  let [bytes, already, opened] = [0, -1, next.opened];
  for (let pass = 1; ; pass += 1) {
    opened = await prepare(context, { next: { ...next, opened }, agent, old, before });
    const report = await rekey({
      from: { safe: old, opened: before },
      to: { safe: next.safe, opened },
      agent,
      platform: context.platform,
      siteKey,
      signal: context.signal,
      progress: (told) =>
        context.progress.report({
          phase: 'Copying',
          done: told.safesets,
          total: told.safesetsTotal,
          unit: 'objects',
          uploadedBytes: bytes + told.bytes,
        }),
    });
    bytes += report.bytes;
    already = already < 0 ? report.already : already;
    const more = (await safesetsToCopy(old)).length > report.copied.length;
    if (!more || pass === passesMax) return { report: { ...report, already, bytes }, opened };
  }
}

interface RekeyParts {
  readonly before: OpenedSafe;
  readonly options: RekeyVerbOptions;
}

/** The new safe with its kit, as `init` makes one, and the old root's signature in its ledger. */
async function begin(context: VerbContext, vault: Vault, { before, options }: RekeyParts): Promise<SafeAndKeys> {
  const { files, random, clock } = context.platform;
  if (options.newKitFile === undefined) throw new UsageError('The new safe gets a recovery kit of its own: give --new-kit-file.');
  const kitFile = resolve(options.newKitFile);
  await demandNewFile(files, kitFile);
  const password = await readNewPassword(files, options.newPasswordFile);
  requireStrength(password);
  const made = await makeSafe({ label: options.newSafe, password, suite: before.ledger.minimumSuite, random, clock });
  const entry = successionEntry({ opened: made.opened, clock, before });
  await writeKit(files, kitFile, { kit: made.kit, language: languageOf(options.language) });
  try {
    await checkKit(context, kitFile, { kit: made.kit, isWanted: options.check });
    await vault.createSafe({ ...made.newSafe, ledger: [...made.newSafe.ledger, entry] });
  } catch (error) {
    await files.remove(kitFile);
    throw isDenied(error) ? new UsageError(mayNotMake, 'denied') : error;
  }
  try {
    return { safe: await vault.openSafe(made.opened.safe), opened: made.opened.withEntry(entry) };
  } catch (error) {
    throw isDenied(error) ? new UsageError(isMade(options.newSafe, toHex(made.opened.safe)), 'denied') : error;
  }
}

const mayNotMake =
  'The token makes no new safe. Ask whoever runs the site for an invitation (twinvault vault token --all-safes --verbs create), and give it with --new-token-file.';

function isMade(label: string, safe: string): string {
  return (
    `Safe "${label}" is made, its id is ${safe}, and the invitation is used up. Ask whoever runs the site for a token for it ` +
    `(twinvault vault token --safe ${safe}), and give the same command again with that at --new-token-file: it goes on.`
  );
}

/** By a site, for what the token permits: of a safe that it does not name it says no more than that it knows none. */
function isDenied(error: unknown): boolean {
  return error instanceof ProtocolError && (error.code === 'verb-denied' || error.code === 'safe-unknown');
}

/** The safe that a broken-off copy had begun. */
async function goOn(context: VerbContext, vault: Vault, { before, options }: RekeyParts): Promise<SafeAndKeys> {
  const { label, safe } = await openNamedSafe(vault, options.newSafe);
  const [descriptor, slots, ledger] = await Promise.all([safe.descriptor(), safe.slots(), safe.ledger(1)]);
  const secret = await readSecret(context.platform.files, { passwordFile: options.newPasswordFile }, label);
  if (secret.type !== 'password') throw new UsageError('The new safe is opened with its password.');
  const opened = await openSafe({ descriptor, slots, ledger }, secret);
  if (!succeeds(opened.ledger, { safe: before.safe, rootKey: before.rootKey })) {
    throw new UsageError(`Safe "${label}" was not made to follow safe "${options.safe}". Give --new-safe a name that is free.`);
  }
  context.output.note(`Going on with the copy into safe "${label}".`);
  return { safe, opened };
}

/** What signs the copies: keys that are kept until the copy is whole, and revoked then. */
async function copyingAgent(context: VerbContext, { safe, opened }: SafeAndKeys, options: RekeyVerbOptions): Promise<AgentKeys> {
  const { random, clock } = context.platform;
  using state = copyingState(context, options, safe);
  const kept = await state.agentKeys();
  if (
    kept !== null &&
    opened.ledger.certificate(kept.certificate) !== null &&
    opened.ledger.revocationOf(kept.certificate) === null
  )
    return kept;
  const name = `rekey on ${hostname()}`;
  const enrolled = enrolHere({ opened, computer: computerId(random.bytes(16)), name, random, clock });
  // The keys first: a certificate whose keys are lost would stand for nothing.
  await state.saveAgentKeys(enrolled.agent);
  await safe.appendLedger(enrolled.entry);
  return enrolled.agent;
}

function copyingState(context: VerbContext, options: RekeyVerbOptions, safe: VaultSafe): ReturnType<typeof safeState> {
  return openState(context, `${stateDirectory(options.state)}/rekey`).safe(safe.safe);
}

/** Handovers of every job, and the retention rules, as far as they are not there. */
async function prepare(
  context: VerbContext,
  {
    next,
    agent,
    old,
    before,
  }: { readonly next: SafeAndKeys; readonly agent: AgentKeys; readonly old: VaultSafe; readonly before: OpenedSafe },
): Promise<OpenedSafe> {
  const { clock } = context.platform;
  const { certificate } = agent;
  let opened = await readAgain(next);
  for (const { public: known } of await safesetsToCopy(old)) {
    const { computer, job } = known;
    if (opened.ledger.mayWrite(certificate, computer, job)) continue;
    const entry = handoverEntry({ opened, clock, certificate, computer, job });
    await next.safe.appendLedger(entry);
    opened = opened.withEntry(entry);
  }
  const rules = [...before.ledger.retentions().values()].filter(({ type }) => !opened.ledger.retentions().has(type));
  return await say({ safe: next.safe, opened }, rules, context);
}

async function say(
  { safe, opened }: SafeAndKeys,
  payloads: readonly (MarkPayload | RetentionPayload)[],
  { platform }: VerbContext,
): Promise<OpenedSafe> {
  if (payloads.length === 0) return opened;
  const said = ownerEntries({ opened, clock: platform.clock, payloads });
  for (const entry of said.entries) await safe.appendLedger(entry);
  return said.opened;
}

async function readAgain({ safe, opened }: SafeAndKeys): Promise<OpenedSafe> {
  let read = opened;
  for (const entry of await safe.ledger(opened.ledger.head.number + 1)) read = read.withEntry(entry);
  return read;
}

interface CopyDone extends RekeyParts {
  readonly next: SafeAndKeys;
  readonly agent: AgentKeys;
  readonly report: RekeyReport;
}

/** Holds, locks and flags go over to the copies; this computer is enrolled under the identity that it had; the copying keys end. */
async function conclude(context: VerbContext, { next, agent, report, before, options }: CopyDone): Promise<OpenedSafe> {
  const { random, clock } = context.platform;
  const { safe } = next;
  let opened = await say(next, marksOf(before, next.opened, report.copied), context);
  using own = safeState(context, options.state, before.safe);
  using fresh = safeState(context, options.state, safe.safe);
  const keys = await own.agentKeys();
  if (keys !== null && (await fresh.agentKeys()) === null) {
    const enrolled = enrolHere({ opened, computer: keys.computer, name: keys.computerName, random, clock });
    await safe.appendLedger(enrolled.entry);
    await fresh.saveSettings(await own.settings());
    await fresh.saveAgentKeys(enrolled.agent);
    opened = enrolled.opened;
  }
  const heads = headsOfCopies(report.copied);
  if (heads.length <= revokedJobsMax && opened.ledger.revocationOf(agent.certificate) === null) {
    const entry = revokeEntry({ opened, clock, certificate: agent.certificate, last: lastOf(heads) });
    await safe.appendLedger(entry);
    opened = opened.withEntry(entry);
  }
  await context.platform.files.removeTree(`${stateDirectory(options.state)}/rekey/safes/${toHex(safe.safe)}`);
  return opened;
}

/** Flags go over as they stand: the new vault measures copies anew, without the history of safesets that are gone. */
function marksOf(before: OpenedSafe, next: OpenedSafe, copied: readonly CopiedSafeset[]): MarkPayload[] {
  const kinds = ['hold', 'lock', 'flag'] as const;
  return copied.flatMap(({ from, record }) =>
    kinds.flatMap((kind): MarkPayload[] => {
      const mark = before.ledger.mark(kind, from.digest);
      const on = kind === 'flag' ? before.ledger.flagged(from.digest, from.measure) : mark?.on === true;
      const isSaid = on || (kind === 'flag' && mark !== null);
      if (!isSaid || next.ledger.mark(kind, record) !== null) return [];
      return [{ kind, note: mark?.note ?? '', on, record }];
    }),
  );
}

/** Sorted as the format demands: by computer, then by the job's name as UTF-8. */
function lastOf(heads: readonly CopiedSafeset[]): LastRecord[] {
  return heads
    .map(({ from, record }) => ({ computer: from.public.computer, job: from.public.job, record }))
    .sort((a, b) => compareBytes(a.computer, b.computer) || compareBytes(utf8Encode(a.job), utf8Encode(b.job)));
}

interface Told {
  readonly old: FoundSafe;
  readonly opened: OpenedSafe;
  readonly report: RekeyReport;
  readonly options: RekeyVerbOptions;
  readonly hadEscrow: boolean;
  readonly admitted: readonly string[];
  readonly result: 'named' | 'closed' | 'other';
}

function tell(context: VerbContext, told: Told): void {
  const { old, opened, report, options, hadEscrow, admitted, result } = told;
  const rootKey = rootKeyShortForm(opened.rootKey);
  const { copied, already, bytes } = report;
  const json = {
    safe: toHex(opened.safe),
    label: options.newSafe,
    rootKey,
    safesets: copied.length,
    already,
    bytes,
    admitted: [...admitted],
    named: result === 'named',
  };
  context.output.result(json, [
    `Safe "${options.newSafe}" holds all ${formatCount(copied.length)} safesets of safe "${old.label}", under new keys (${formatBytes(bytes)} sealed again).`,
    '',
    `  root key  ${rootKey}`,
    '',
    `What safe "${old.label}" holds is as it was, and whoever could read it still can: let it go when you are sure of the new one.`,
    ...computerLines(told),
    ...(hadEscrow ? ['The escrow key of the old safe was not given to the new one: twinvault safe escrow --add does that.'] : []),
  ]);
}

/** How the computers of the old safe come to the new one. */
function computerLines({ old, options, admitted, result }: Told): string[] {
  const { newSafe, newVault } = options;
  const enrol = `twinvault safe enrol --safe ${newSafe}`;
  const here = result === 'named' && newVault === undefined;
  const how = here
    ? 'with their next backup'
    : `when their backup names it (${newVault === undefined ? '' : '--vault, '}--safe ${newSafe})`;
  return [
    'This computer backs up into the new one from now on.',
    ...(admitted.length === 0 ? [] : [`These follow ${how}, without a password: ${admitted.join(', ')}.`]),
    `${admitted.length === 0 ? 'Others' : 'Any other'} joins by: ${enrol}`,
    ...(result === 'closed' ? [`The vault of safe "${old.label}" takes nothing, so computers are not told there.`] : []),
    ...(result === 'other'
      ? [`Safe "${old.label}" names another successor already: no computer comes here from there by itself.`]
      : []),
  ];
}
