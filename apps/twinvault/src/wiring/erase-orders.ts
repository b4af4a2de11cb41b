/** Which jobs an order takes in, and which order is meant. */
import { compareJobs } from '@twinvault/format';
import type { EraseJob } from '@twinvault/format';
import type { EraseSummary, VaultSafe } from '@twinvault/protocol';
import { equalBytes, toHex } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import type { FoundSafe } from './open-vault.ts';

export interface ErasedPart {
  readonly whole?: true | undefined;
  readonly job?: readonly string[] | undefined;
  readonly computer?: string | undefined;
}

/** Null: the whole safe. What is wrong with the options is told before anything is looked at. */
export function demandPart({ whole, job, computer }: ErasedPart): void {
  if (whole === true && (job !== undefined || computer !== undefined))
    throw new UsageError('--whole takes in every job: leave out --job and --computer, or --whole.');
}

/** Jobs as the records name them, sorted; null: the whole safe. Usage error of exit `missing` when there is none. */
export async function jobsOf(found: FoundSafe, part: ErasedPart): Promise<EraseJob[] | null> {
  if (part.whole === true) return null;
  const { job: names, computer } = part;
  const jobs = await jobsNamed(found.safe, part);
  const missing = names?.filter((name) => !jobs.some(({ job }) => job === name)) ?? [];
  if (missing.length > 0 || jobs.length === 0) {
    const wanted = missing.length > 0 ? `job "${missing.join('", "')}"` : `job of computer "${computer ?? ''}"`;
    throw new UsageError(`There is no ${wanted} in safe "${found.label}". twinvault safesets shows what there is.`, 'missing');
  }
  return jobs;
}

async function jobsNamed(safe: VaultSafe, { job: names, computer }: ErasedPart): Promise<EraseJob[]> {
  const jobs = new Map<string, EraseJob>();
  for (const { public: facts } of await safe.records()) {
    if (names !== undefined && !names.includes(facts.job)) continue;
    if (computer !== undefined && facts.computerName !== computer && toHex(facts.computer) !== computer.toLowerCase()) continue;
    jobs.set(`${toHex(facts.computer)} ${facts.job}`, { computer: facts.computer, job: facts.job });
  }
  return [...jobs.values()].sort(compareJobs);
}

/** The one order whose name begins so, as it stands at each site. */
export function ordersNamed(erases: readonly EraseSummary[], label: string, text: string): [EraseSummary, ...EraseSummary[]] {
  const matching = erases.filter(({ order }) => toHex(order).startsWith(text.toLowerCase()));
  const [first, ...others] = matching;
  if (first === undefined) throw new UsageError(`There is no erase order "${text}" in safe "${label}".`, 'missing');
  if (others.some(({ order }) => !equalBytes(order, first.order)))
    throw new UsageError(`Several erase orders begin with "${text}". Give more of the id.`);
  return [first, ...others];
}
