/** Erase orders as they stand at sites, and what the sites signed about them, for people and for programs. */
import { parseEraseCertificate } from '@twinvault/format';
import type { EraseCertificate, EraseJob } from '@twinvault/format';
import type { EraseSummary } from '@twinvault/protocol';
import { formatBytes, toHex, utf8Encode } from '@twinvault/std';
import type { JsonObject } from './output.ts';
import { formatCount, formatTable, formatTime, printableName } from './table.ts';

export function jobJson({ computer, job }: EraseJob): JsonObject {
  return { computer: toHex(computer), job };
}

export function orderJson({ site, order, jobs, certificate, ...rest }: EraseSummary): JsonObject {
  return {
    ...rest,
    site: toHex(site),
    order: toHex(order),
    jobs: jobs?.map(jobJson) ?? null,
    certificate: certificate === null ? null : (JSON.parse(certificate) as JsonObject),
  };
}

const states: Readonly<Record<EraseSummary['state'], string>> = {
  unnamed: 'no ledger entry names it: it means nothing',
  cancelled: 'taken back',
  waiting: 'waits until',
  apart: 'waits for the other site to have it',
  due: 'is begun next',
  begun: 'begun, and not all has gone yet',
  done: 'done: nothing is left',
};

export function stateText({ state, dueMs }: Pick<EraseSummary, 'state' | 'dueMs'>): string {
  return state === 'waiting' ? `${states.waiting} ${formatTime(dueMs)}` : states[state];
}

/** What an order takes in. */
export function partText(jobs: readonly { readonly job: string }[] | null): string {
  return jobs === null ? 'the whole safe' : jobs.map(({ job }) => `job "${printableName(utf8Encode(job))}"`).join(', ');
}

/** A line for an order at a site, and what its certificate says below it. */
export function orderLines(summary: EraseSummary): string[] {
  const { site, order, jobs, certificate } = summary;
  const head = `${toHex(order).slice(0, 8)}  ${partText(jobs)}, at site ${toHex(site).slice(0, 8)}: ${stateText(summary)}`;
  if (certificate === null) return [head];
  return [head, ...certificateLines(parseEraseCertificate(certificate)).map((line) => `          ${line}`.trimEnd())];
}

const reasons: Readonly<Record<EraseCertificate['waiting'][number]['reason'], string>> = {
  lock: 'the bucket keeps it locked',
  lease: 'a session or a restore stands on it',
  plan: 'its home has not compacted it yet',
  failure: 'it could not be overwritten or removed; it is tried again',
};

export function certificateLines(certificate: EraseCertificate): string[] {
  const { arrivedMs, begunMs, createdMs, endedMs, kept, problems, uncounted, waiting, waitingLeftOut } = certificate;
  const removed = certificate.removed.map(({ kind, objects, bytes }) => [kind, formatCount(objects), formatBytes(bytes)]);
  return [
    `ordered ${formatTime(createdMs)}, here ${formatTime(arrivedMs)}, begun ${formatTime(begunMs)}${endedMs === null ? '' : `, ended ${formatTime(endedMs)}`}`,
    ...(removed.length === 0
      ? ['nothing has gone yet']
      : formatTable([{ title: 'gone' }, { title: 'objects', align: 'right' }, { title: 'size', align: 'right' }], removed)),
    ...(uncounted === 0
      ? []
      : [
          `up to ${formatCount(uncounted)} more may have gone: the site was stopped while it erased, and counts what it is sure of`,
        ]),
    howText(certificate),
    ...waiting.map(
      ({ kind, name, bytes, reason, untilMs }) =>
        `waits: ${kind} ${name.slice(-64, -56)}${bytes === 0 ? '' : ` (${formatBytes(bytes)})`}${untilMs === null ? '' : ` until ${formatTime(untilMs)}`}: ${reasons[reason]}`,
    ),
    ...(waitingLeftOut === 0 ? [] : [`and ${formatCount(waitingLeftOut)} more wait`]),
    ...problems.map(({ kind, name, code }) => `trouble: ${kind} ${name} (${code})`),
    ...(kept.length === 0 ? [] : [`kept: ${kept.join(', ')}`]),
  ];
}

function howText({ store }: EraseCertificate): string {
  if (store.type === 'bucket') return 'in a bucket: every version, delete marker and unfinished upload was removed';
  const { fileSystem, overwriting, passes, readBack } = store;
  const where = fileSystem === '' ? 'in a directory' : `on ${fileSystem}`;
  if (overwriting === 'elsewhere')
    return `${where}, which never writes into used blocks: removed without overwriting, which would mean nothing there`;
  const read =
    readBack === 'none' ? '' : `, read back ${readBack === 'disk' ? 'from the disk' : 'perhaps from memory'} each time`;
  const sure = overwriting === 'in-place' ? '' : '; whether that reached the old blocks, whoever runs the storage knows';
  return `${where}: each file was overwritten ${passes} times${read}, and removed${sure}`;
}
