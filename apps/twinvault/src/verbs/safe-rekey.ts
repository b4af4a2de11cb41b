/** `twinvault safe rekey`: everything of a safe into a new one, with new keys, a new password and a new kit. */
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { headsOfCopies, rekey, safesetsToCopy } from '@twinvault/engine';
import type { CopiedSafeset, RekeyReport } from '@twinvault/engine';
import { computerId, rootKeyShortForm } from '@twinvault/format';
import type { LastRecord, MarkPayload, RetentionPayload } from '@twinvault/format';
import type { KitLanguage } from '@twinvault/paper';
import type { VaultSafe } from '@twinvault/protocol';
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
import { compareBytes, formatBytes, toHex, utf8Encode } from '@twinvault/std';
import type { SiteVault } from '@twinvault/vault';
import { UsageError } from '../errors/usage-error.ts';
import type { VerbContext } from '../wiring/context.ts';
import { checkKit, demandNewFile, writeKit } from '../wiring/kit-file.ts';
import { languageOf } from '../wiring/language.ts';
import type { OpenSafeOptions } from '../wiring/open-safe.ts';
import { openState, openWithSecret, safeState } from '../wiring/open-safe.ts';
import { openNamedSafe, openVault } from '../wiring/open-vault.ts';
import type { FoundSafe } from '../wiring/open-vault.ts';
import { readNewPassword, readSecret } from '../wiring/passwords.ts';
import { stateDirectory } from '../wiring/state-directory.ts';
import { requireStrength } from './init.ts';

export interface RekeyVerbOptions extends OpenSafeOptions {
  readonly vault: string;
  readonly safe: string;
  readonly newSafe: string;
  readonly newVault?: string | undefined;
  readonly newKitFile?: string | undefined;
  readonly newPasswordFile?: string | undefined;
  readonly language?: KitLanguage | undefined;
  /** False with --no-check. */
  readonly check: boolean;
}

/** A revocation names at most so many jobs (docs/format/keys.md). */
const revokedJobsMax = 1024;

export async function safeRekey(context: VerbContext, options: RekeyVerbOptions): Promise<void> {
  await using vault = await openVault(context, options.vault);
  const old = await openNamedSafe(vault, options.safe);
  const before = await openWithSecret(context, old, options);
  await using other = options.newVault === undefined ? null : await openVault(context, options.newVault);
  const target = other ?? vault;
  const known = (await target.safes()).some(({ label }) => label === options.newSafe);
  const next = known ? await goOn(context, target, { before, options }) : await begin(context, target, { before, options });
  const { safe } = next;
  const agent = await copyingAgent(context, next, options);
  let opened = await prepare(context, { next, agent, old: old.safe, before });
  const report = await rekey({
    from: { safe: old.safe, opened: before },
    to: { safe, opened },
    agent,
    platform: context.platform,
    siteKey: (await target.site()).publicKey,
    signal: context.signal,
    progress: (told) =>
      context.progress.report({
        phase: 'Copying',
        done: told.safesets,
        total: told.safesetsTotal,
        unit: 'objects',
        uploadedBytes: told.bytes,
      }),
  });
  opened = await conclude(context, { next: { ...next, opened }, agent, report, before, options });
  context.progress.finish();
  const hadEscrow = escrowsOf(before.ledger, await old.safe.slots()).length > 0;
  tell(context, { old, opened, report, options, hadEscrow });
}

interface NextSafe {
  readonly safe: VaultSafe;
  readonly opened: OpenedSafe;
}

interface RekeyParts {
  readonly before: OpenedSafe;
  readonly options: RekeyVerbOptions;
}

/** The new safe with its kit, as `init` makes one, and the old root's signature in its ledger. */
async function begin(context: VerbContext, vault: SiteVault, { before, options }: RekeyParts): Promise<NextSafe> {
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
    throw error;
  }
  return { safe: await vault.openSafe(made.opened.safe), opened: made.opened.withEntry(entry) };
}

/** The safe that a broken-off copy had begun. */
async function goOn(context: VerbContext, vault: SiteVault, { before, options }: RekeyParts): Promise<NextSafe> {
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
async function copyingAgent(context: VerbContext, { safe, opened }: NextSafe, options: RekeyVerbOptions): Promise<AgentKeys> {
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
  }: { readonly next: NextSafe; readonly agent: AgentKeys; readonly old: VaultSafe; readonly before: OpenedSafe },
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
  { safe, opened }: NextSafe,
  payloads: readonly (MarkPayload | RetentionPayload)[],
  { platform }: VerbContext,
): Promise<OpenedSafe> {
  if (payloads.length === 0) return opened;
  const said = ownerEntries({ opened, clock: platform.clock, payloads });
  for (const entry of said.entries) await safe.appendLedger(entry);
  return said.opened;
}

async function readAgain({ safe, opened }: NextSafe): Promise<OpenedSafe> {
  let read = opened;
  for (const entry of await safe.ledger(opened.ledger.head.number + 1)) read = read.withEntry(entry);
  return read;
}

interface CopyDone extends RekeyParts {
  readonly next: NextSafe;
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

function tell(
  context: VerbContext,
  about: {
    readonly old: FoundSafe;
    readonly opened: OpenedSafe;
    readonly report: RekeyReport;
    readonly options: RekeyVerbOptions;
    readonly hadEscrow: boolean;
  },
): void {
  const { old, opened, report, options, hadEscrow } = about;
  const rootKey = rootKeyShortForm(opened.rootKey);
  const { copied, already, bytes } = report;
  const told = { safe: toHex(opened.safe), label: options.newSafe, rootKey, safesets: copied.length, already, bytes };
  context.output.result(told, [
    `Safe "${options.newSafe}" holds all ${copied.length.toLocaleString('en-US')} safesets of safe "${old.label}", under new keys (${formatBytes(bytes)} sealed again).`,
    '',
    `  root key  ${rootKey}`,
    '',
    `Safe "${old.label}" is as it was, and whoever could read it still can: let it go when you are sure of the new one.`,
    `Back up into the new one from now on. Other computers join it by: twinvault safe enrol --safe ${options.newSafe}`,
    ...(hadEscrow ? ['The escrow key of the old safe was not given to the new one: twinvault safe escrow --add does that.'] : []),
  ]);
}
