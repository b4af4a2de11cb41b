/** `twinvault vault twins`: how far a site has taken in what its twin has. */
import type { TwinSafeJson, TwinsAnswer } from '@twinvault/protocol/wire';
import { formatBytes, hourMs } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import { formatCount, formatTable, formatTime } from '../output/table.ts';
import type { VerbContext } from '../wiring/context.ts';
import { isAddress, openRemote } from '../wiring/open-remote.ts';
import { placesOf } from '../wiring/vault-places.ts';

export interface VaultTwinsOptions {
  readonly vault: string;
  readonly tokenFile?: string | undefined;
}

/** Behind for longer than that is worth a look. */
const behindMsMax: number = hourMs;

export async function vaultTwins(context: VerbContext, options: VaultTwinsOptions): Promise<void> {
  if (placesOf(options.vault).length > 1) throw new UsageError('This asks one site at a time: give the token file of one.');
  if (!isAddress(options.vault))
    throw new UsageError(
      'This asks a site that runs: give a token for it with --token-file. The directory of a site does not know how far it is.',
    );
  await using vault = await openRemote(context, options);
  const answer = await vault.twins();
  const late = answer.twins.flatMap(({ safes }) => safes.filter((safe) => isLate(safe, answer.nowMs)));
  if (late.length > 0) context.setExit('withErrors');
  context.output.result(
    {
      late: late.length,
      nowMs: answer.nowMs,
      twins: answer.twins.map(({ safes, ...twin }) => ({ ...twin, safes: safes.map((safe) => ({ ...safe })) })),
    },
    linesOf(answer),
  );
}

function isLate({ behindSinceMs, readMs, problem }: TwinSafeJson, nowMs: number): boolean {
  return problem !== undefined || nowMs - (behindSinceMs ?? readMs ?? nowMs) > behindMsMax;
}

function linesOf({ twins, nowMs }: TwinsAnswer): string[] {
  if (twins.length === 0) return ['This site has no twin: what is sent here stands here alone.'];
  return twins.flatMap(({ site, address, safes }) => {
    const heading = `Twin ${site.slice(0, 8)} at ${address}:`;
    if (safes.length === 0) return [heading, '  It has no safe, or was not reached yet.'];
    const rows = safes.map((safe) => [
      safe.safe,
      safe.behindObjects === 0 ? 'nothing' : `${formatCount(safe.behindObjects)} objects, ${formatBytes(safe.behindBytes)}`,
      safe.behindSinceMs === undefined ? '' : formatTime(safe.behindSinceMs),
      safe.readMs === undefined ? 'never' : formatTime(safe.readMs),
      safe.problem ?? '',
    ]);
    const columns = ['Safe', 'Behind', 'Since', 'Had everything', 'In the way'].map((title) => ({ title }));
    const worst = safes.find((safe) => isLate(safe, nowMs));
    return [heading, ...formatTable(columns, rows), ...(worst === undefined ? [] : adviceFor(worst))];
  });
}

/** What to do, by what is in the way. */
function adviceFor({ problem }: TwinSafeJson): string[] {
  switch (problem) {
    case undefined:
      return [
        'It is behind for longer than an hour: look at the line between the sites, and at limitDownload in the configuration.',
      ];
    case 'network-unreachable':
    case 'network-timeout':
      return ['The twin cannot be reached: see that it runs, and that this machine gets to its address. It goes on by itself.'];
    case 'clocks-apart':
      return [
        'The clocks of the sites differ: set the one that is wrong. Nothing is deleted here meanwhile. It goes on by itself.',
      ];
    case 'vault-full':
      return ['The disk of this site is full: nothing more is taken in until there is room. It goes on by itself then.'];
    case 'capability-ended':
    case 'capability-invalid':
    case 'verb-denied':
      return [
        'The token is not good any more: make a new one at the twin with twinvault vault token --all-safes --verbs follow.',
      ];
    case 'ledger-forked':
      return [
        'The ledgers of the sites do not continue each other: nothing is deleted at either. Run twinvault check at both sites.',
      ];
    default:
      return [
        'Something that the twin has does not check out or lacks a part: nothing is deleted here until it does. The log of the site names it.',
      ];
  }
}
