/**
 * A vault that is taken care of: in a directory by this process, or at a site by the site itself, as tasks that this process waits for. Verbs see no
 * difference.
 */
import { resolve } from 'node:path';
import { ProtocolError } from '@twinvault/protocol';
import type { NewSafe, SafeSummary, SiteInfo, Vault, VaultSafe } from '@twinvault/protocol';
import type { SafeId } from '@twinvault/format';
import type { CleanBody, RemoteVault, TaskAnswer } from '@twinvault/protocol/wire';
import { fromHex } from '@twinvault/std';
import { openDirectoryVault } from '@twinvault/vault';
import type {
  CheckOptions,
  CheckReport,
  CleanOptions,
  CleanReport,
  KeepRules,
  RebuildOptions,
  RebuildReport,
  SiteVault,
} from '@twinvault/vault';
import { UsageError } from '../errors/usage-error.ts';
import type { VerbContext } from './context.ts';
import { isAddress, openRemote } from './open-remote.ts';
import type { VaultOptions } from './open-remote.ts';
import { placesOf } from './vault-places.ts';

/** `erase` where this process takes care of the vault: a site carries its orders out by itself. */
export type OperatedVault = Vault &
  Pick<SiteVault, 'assignCustomer' | 'check' | 'clean' | 'rebuild'> &
  Partial<Pick<SiteVault, 'erase'>>;

/** One site: each decides for itself what it keeps. */
export async function openOperated(context: VerbContext, options: VaultOptions): Promise<OperatedVault> {
  if (placesOf(options.vault).length > 1) {
    throw new UsageError(
      'This is done at one site at a time, since each decides for itself: give --vault (or --token-file) of one of the two, then of the other.',
    );
  }
  if (!isAddress(options.vault)) return openDirectoryVault({ path: resolve(options.vault), platform: context.platform });
  return new RemoteOperated(context, await openRemote(context, options));
}

class RemoteOperated implements OperatedVault {
  readonly #context: VerbContext;
  readonly #vault: RemoteVault;

  constructor(context: VerbContext, vault: RemoteVault) {
    this.#context = context;
    this.#vault = vault;
  }

  site(): Promise<SiteInfo> {
    return this.#vault.site();
  }

  safes(): Promise<readonly SafeSummary[]> {
    return this.#vault.safes();
  }

  createSafe(safe: NewSafe): Promise<void> {
    return this.#vault.createSafe(safe);
  }

  openSafe(safe: SafeId): Promise<VaultSafe> {
    return this.#vault.openSafe(safe);
  }

  assignCustomer(safe: SafeId, customer: string): Promise<void> {
    return this.#vault.assignCustomer(safe, customer);
  }

  /** Without a safe: one after the other. */
  async check({ safe, progress, ...options }: CheckOptions = {}): Promise<CheckReport> {
    const { checkReport, checkValue } = await import('@twinvault/protocol/wire');
    const safes = safe === undefined ? (await this.safes()).map((summary) => summary.safe) : [safe];
    const body = { readData: options.readData === true, setAside: options.setAside === true };
    const all = { problems: [] as CheckReport['problems'][number][], safes: 0, objects: 0, packs: 0, records: 0, readBytes: 0 };
    for (const one of safes) {
      const answer = await this.#vault.operate({
        task: 'check',
        safe: one,
        options: body,
        progress: (told) => passOn(told, checkSteps, progress),
      });
      const report = checkValue(checkReport, answer);
      this.#noteLeftOut(report.problemsLeftOut);
      // The codes may be those of a newer site; what is shown of a problem is its words.
      all.problems.push(...(report.problems as CheckReport['problems']));
      for (const count of ['safes', 'objects', 'packs', 'records', 'readBytes'] as const) all[count] += report[count];
    }
    return all;
  }

  async clean(safe: SafeId, { progress, ...options }: CleanOptions = {}): Promise<CleanReport> {
    const { checkValue, cleanReport } = await import('@twinvault/protocol/wire');
    const answer = await this.#vault.operate({
      task: 'clean',
      safe,
      options: cleanBodyOf(options),
      progress: (told) => passOn(told, cleanSteps, progress),
    });
    const report = checkValue(cleanReport, answer);
    this.#noteLeftOut((report.recordsLeftOut ?? 0) + (report.packsLeftOut ?? 0));
    return report as CleanReport;
  }

  async rebuild({ progress, waitMs, voidLeases }: RebuildOptions = {}): Promise<RebuildReport> {
    const { checkValue, rebuildReport } = await import('@twinvault/protocol/wire');
    const answer = await this.#vault.operate({
      task: 'rebuild',
      options: { ...(waitMs === undefined ? {} : { waitMs }), ...(voidLeases === undefined ? {} : { voidLeases }) },
      progress: ({ safe, done, total }) => progress?.({ safe: String(safe), done: Number(done), total: Number(total) }),
    });
    const { generation, safes } = checkValue(rebuildReport, answer);
    const bytes = fromHex(generation);
    if (bytes === null) throw new ProtocolError('answer-invalid', { context: { defect: 'generation' } });
    return { generation: bytes, safes };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#vault[Symbol.asyncDispose]();
  }

  #noteLeftOut(count: number | undefined): void {
    if (count !== undefined && count > 0) this.#context.output.note(`The site left out ${count} more rows of this report.`);
  }
}

const checkSteps = ['objects', 'packs', 'records'] as const;
const cleanSteps = ['records', 'packs', 'retire', 'compact', 'mark', 'second-mark', 'delete', 'sweep'] as const;

interface Told<Step> {
  readonly safe: string;
  readonly step: Step;
  readonly done: number;
  readonly total: number;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** A step that this version does not know is not shown. */
function passOn<Step extends string>(
  told: NonNullable<TaskAnswer['progress']>,
  steps: readonly Step[],
  progress: ((told: Told<Step>) => void) | undefined,
): void {
  const step = steps.find((known) => known === told['step']);
  const count = (name: string): number => Number(told[name] ?? 0);
  if (step === undefined || progress === undefined) return;
  progress({
    safe: String(told['safe'] ?? ''),
    step,
    done: count('done'),
    total: count('total'),
    doneBytes: count('doneBytes'),
    totalBytes: count('totalBytes'),
  });
}

function cleanBodyOf({ keep, dryRun, quarantineMs, shareMax, clockOk, compact }: CleanOptions): CleanBody {
  return {
    ...(keep === undefined ? {} : { keep: keep === null ? null : keepJson(keep) }),
    ...(dryRun === undefined ? {} : { dryRun }),
    ...(quarantineMs === undefined ? {} : { quarantineMs }),
    ...(shareMax === undefined ? {} : { shareMax }),
    ...(clockOk === undefined ? {} : { clockOk }),
    ...(compact === undefined ? {} : { compact: compact === null ? null : { ...compact } }),
  };
}

function keepJson({ types, others }: KeepRules): NonNullable<CleanBody['keep']> {
  return { types: Object.fromEntries(types ?? []), ...(others === undefined ? {} : { others }) };
}
