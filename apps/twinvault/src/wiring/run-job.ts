/** From the command line to a run of a job: what is read, under which rules, and how people see it move on. */
import { hostname } from 'node:os';
import type { BackupOptions, BackupProgress } from '@twinvault/engine';
import type { AgentKeys } from '@twinvault/seal';
import { linuxFileSource } from '@twinvault/sources';
import { utf8Decode } from '@twinvault/std';
import { UsageError } from '../errors/usage-error.ts';
import type { Step } from '../output/progress.ts';
import type { VerbContext } from './context.ts';
import { openState } from './open-safe.ts';
import { absolutePathBytes } from './paths.ts';

/** What is chosen for a run on the command line. */
export interface RunOptions {
  readonly job: string;
  readonly type: string;
  readonly exclude?: readonly string[] | undefined;
  readonly excludeFile?: string | undefined;
  readonly oneFileSystem?: true | undefined;
  readonly includeCaches?: true | undefined;
  readonly compression?: number | undefined;
  readonly state?: string | undefined;
}

/** What a run is told, wherever it sends. */
export type JobRun = Omit<BackupOptions, 'vault' | 'siteKey'>;

const excludeFileBytesMax = 1024 * 1024;

/** It says how far it is meanwhile. */
export async function jobRun(
  context: VerbContext,
  agent: AgentKeys,
  { paths, options }: { readonly paths: readonly string[]; readonly options: RunOptions },
): Promise<JobRun> {
  const { platform, progress, signal } = context;
  const source = linuxFileSource({
    roots: paths.map(absolutePathBytes),
    rules: {
      excludes: [...(options.exclude ?? []), ...(await excludesFromFile(context, options.excludeFile))],
      skipCaches: options.includeCaches !== true,
      oneFileSystem: options.oneFileSystem === true,
    },
    platform,
  });
  return {
    agent,
    job: options.job,
    retention: options.type,
    source,
    state: openState(context, options.state),
    platform,
    host: hostname(),
    signal,
    progress: (told) => progress.report(stepOf(told)),
    ...(options.compression === undefined ? {} : { level: options.compression }),
  };
}

async function excludesFromFile({ platform }: VerbContext, path: string | undefined): Promise<string[]> {
  if (path === undefined) return [];
  const bytes = await platform.files.read(path, excludeFileBytesMax);
  if (bytes === null) throw new UsageError(`There is no file ${path} with patterns to exclude.`);
  const text = utf8Decode(bytes);
  if (text === null) throw new UsageError(`The file ${path} is not UTF-8 text.`);
  return text.split(/\r?\n/u).filter((line) => line !== '');
}

const phases = { opening: 'Opening', reading: 'Reading', finishing: 'Finishing', committing: 'Committing' } as const;

function stepOf(told: BackupProgress): Step {
  const guess = told.foundAll ? told.bytesFound : told.lastRun === null ? null : Math.max(told.lastRun.bytes, told.bytesFound);
  return {
    phase: phases[told.phase],
    done: told.bytesDone,
    total: guess,
    unit: 'bytes',
    files: told.entriesDone,
    uploadedBytes: told.bytesUploaded,
  };
}
