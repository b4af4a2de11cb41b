/** `twinvault rebuild`: every cache of a vault made again from its objects. */
import { toHex } from '@twinvault/std';
import type { VerbContext } from '../wiring/context.ts';
import { formatCount } from '../output/table.ts';
import { openOperated } from '../wiring/open-operated.ts';
import type { VaultOptions } from '../wiring/open-vault.ts';

export interface RebuildVerbOptions extends VaultOptions {}

export async function rebuild(context: VerbContext, options: RebuildVerbOptions): Promise<void> {
  await using vault = await openOperated(context, options);
  const report = await vault.rebuild({
    signal: context.signal,
    progress: ({ done, total }) => context.progress.report({ phase: 'Rebuilding', done, total, unit: 'objects' }),
  });
  context.progress.finish();
  const packs = report.safes.reduce((sum, safe) => sum + safe.packs, 0);
  const differing = report.safes.reduce((sum, safe) => sum + safe.differing, 0);
  const damaged = report.safes.reduce((sum, safe) => sum + safe.damaged, 0);
  if (damaged > 0) context.setExit('damaged');
  context.output.result({ generation: toHex(report.generation), safes: report.safes.map((safe) => ({ ...safe })) }, [
    `Rebuilt the caches of ${report.safes.length} ${report.safes.length === 1 ? 'safe' : 'safes'} from ${formatCount(packs)} packs.`,
    differing === 0 ? 'The index is the same as before.' : `${formatCount(differing)} packs stood differently in the old index.`,
    ...(damaged === 0 ? [] : [`${formatCount(damaged)} packs are damaged and stand in no index: twinvault check tells more.`]),
  ]);
}
