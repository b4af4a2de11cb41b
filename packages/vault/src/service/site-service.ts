/*
 * A site that serves: the vault behind its HTTP side, the listeners, and the way to an orderly end. Everything it stands on is handed in, so
 * that tests run it in process on any store.
 */

import type { FastifyInstance } from 'fastify';
import { bodiesInFlightMax, ProtocolError, queueMsMax, slowBytesPerSecondMin, slowMsMax } from '@twinvault/protocol';
import { dayMs, fromHex, MiB, secondMs } from '@twinvault/std';
import type { Clock, Random, Timers } from '@twinvault/std';
import { beginCare, careHandlers, scheduleSafe } from '../care/care.ts';
import { beginNode } from '../care/dead-nodes.ts';
import { beginFollowing, followHandlers } from '../care/follow.ts';
import type { FollowedTwin, FollowParts } from '../care/follow.ts';
import type { CareParts, CarePolicy, CaringNode } from '../care/care-parts.ts';
import { Inventory } from '../database/inventory.ts';
import { Metering } from '../database/metering.ts';
import type { SiteDatabase } from '../database/site-database.ts';
import { TwinLags } from '../database/twin-lags.ts';
import type { TwinLag } from '../database/twin-lags.ts';
import { WorkQueue } from '../database/work-queue.ts';
import { Worker } from '../database/worker.ts';
import type { WorkerOptions } from '../database/worker.ts';
import { VaultError } from '../errors.ts';
import type { SiteVault } from '../site-vault.ts';
import type { Listen, LocalSocket } from './config/site-config.ts';
import { Turns } from './fairness/turns.ts';
import { siteHandlersOf } from './handlers/all-handlers.ts';
import { Access } from './http/access.ts';
import { BodyMemory } from './http/body-memory.ts';
import { makeHttpApp, useCertificate } from './http/http-app.ts';
import type { TlsFiles } from './http/http-app.ts';
import { SlowClients } from './http/slow-clients.ts';
import { Keepers } from './keepers/keepers.ts';
import type { Log } from './log.ts';
import { Metrics } from './metrics.ts';
import { makeOperations } from './operations.ts';

export interface SiteServiceOptions {
  readonly vault: SiteVault;
  readonly database: SiteDatabase;
  readonly ports: { readonly clock: Clock; readonly timers: Timers; readonly random: Random };
  /** Name of this node, for operators: its host and process. */
  readonly node: string;
  /** Whether a node of this name is gone for certain; never when left out. Others count as dead when they were silent for `nodeLapseMs`. */
  readonly isGone?: (node: string) => boolean;
  readonly log: Log;
  /** The path of the site's address: '' or `/a`. */
  readonly basePath: string;
  readonly listen: Listen | LocalSocket;
  readonly operations: Listen | null;
  /** Null: plain HTTP. */
  readonly tls: TlsFiles | null;
  /** Ed25519 public keys, hexadecimal, besides the site's own. */
  readonly issuers: readonly string[];
  readonly refuseBeforeMs: number;
  /** Stored bytes of a safe above which no new data of it is taken; no limit when left out. */
  readonly safeBytesMax?: number | null;
  /** What is told of its certificate. */
  readonly certificate?: CertificateState;
  /** The sites that keep the same safes. Left out: whatever the site's note says, and nothing is followed. */
  readonly twins?: readonly FollowedTwin[];
  /** How the site is looked after; the defaults when left out. */
  readonly care?: Partial<CarePolicy>;
}

export interface CertificateState {
  /** When it ends, ms since 1970. */
  readonly toMs: number;
  /** Attempts to renew it that failed, in a row. */
  readonly failures: number;
}

/** Memory for bodies of all requests together. */
const bodiesBytesMax: number = 256 * MiB;
const waitingMax = 256;
/** One place of a node is never taken by a customer whose tasks are long, wherever they run. */
const tasksMax = 3;
const customerTasksMax = 2;
/** After which a stopping site ends what is still under way. */
export const stopMsMax: number = 30 * secondMs;

export interface SiteService extends AsyncDisposable {
  /** The port it listens on: the one asked for, or with 0 the one that was free; 0 of a local socket. */
  readonly port: number;
  readonly operationsPort: number | null;
  /** New connections are shown this certificate from now on; those that are there go on. */
  useCertificate(certificate: TlsFiles): void;
  /** Takes no more requests, lets those under way end within `stopMsMax`, and closes. Idempotent. */
  stop(): Promise<void>;
}

/** Listens when it resolves. `listen-failed`, and what the vault throws. */
export async function startSiteService(options: SiteServiceOptions): Promise<SiteService> {
  const { ports } = options;
  const stopping = new AbortController();
  const turns = new Turns(ports.timers, {
    eachMax: bodiesInFlightMax,
    bytesMax: bodiesBytesMax,
    waitMsMax: queueMsMax,
    waitingMax,
  });
  const metrics = new Metrics(turns);
  const slowClients = new SlowClients(ports.timers, {
    bytesPerSecondMin: slowBytesPerSecondMin,
    overMs: slowMsMax,
    cutOff: () => metrics.cutOff(),
  });
  const keepers = new Keepers(options);
  const queue = new WorkQueue(options.database);
  const care = carePartsOf(options, queue);
  watchCare(care, metrics);
  if (options.certificate !== undefined) watchCertificate(options.certificate, ports.clock, metrics);
  const following = followPartsOf(options, care);
  watchTwins(care, metrics);
  const worker = makeWorker(options, queue, { ...careHandlers(care), ...(following === null ? {} : followHandlers(following)) });
  const app = makeHttpApp({
    ...options,
    handlers: siteHandlersOf({
      ...options,
      keepers,
      memory: new BodyMemory(bodiesBytesMax),
      queue,
      wake: () => worker.wake(),
      stopping: stopping.signal,
    }),
    access: await accessOf(options),
    turns,
    slowClients,
    clock: ports.clock,
    metrics,
    isStopping: () => stopping.signal.aborted,
  });
  const ready = (): Promise<void> => demandReady(options, stopping.signal);
  const operations = options.operations === null ? null : makeOperations({ metrics, ready });
  const node = await beginNode(care);
  await using starting = new AsyncDisposableStack();
  starting.defer(() => node.end(true));
  const port = await listen(app, options.listen);
  const operationsPort = operations === null || options.operations === null ? null : await listen(operations, options.operations);
  await beginTasks(options, care, following);
  if (node.dead > 0) options.log.info({ nodes: node.dead }, 'nodes died: the tables are held against the store');
  worker.start();
  starting.move();
  const stop = async (): Promise<void> => {
    if (stopping.signal.aborted) return;
    stopping.abort();
    const [isOrderly] = await Promise.all([closeWithin(app, ports.timers), worker[Symbol.asyncDispose]()]);
    await keepers[Symbol.asyncDispose]();
    await operations?.close();
    slowClients[Symbol.dispose]();
    await node.end(isOrderly).catch(() => undefined);
  };
  return {
    port,
    operationsPort,
    useCertificate: (certificate) => useCertificate(app, certificate),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function demandReady({ vault, database }: SiteServiceOptions, stopping: AbortSignal): Promise<void> {
  if (stopping.aborted) throw new ProtocolError('vault-busy', { context: { defect: 'stopping' } });
  await vault.site();
  await database.nowMs();
}

async function beginTasks({ log }: SiteServiceOptions, care: OwnCareParts, following: FollowParts | null): Promise<void> {
  const { emptied, wasPutBack } = await beginCare(care);
  if (emptied) log.info({}, 'the database is filled anew');
  if (wasPutBack) log.warn({}, 'the store and its database are not of the same time: one of them was put back');
  if (following !== null) await beginFollowing(following);
  await care.queue.release(care.node.isGone);
}

async function accessOf({ vault, ports, issuers: others, refuseBeforeMs }: SiteServiceOptions): Promise<Access> {
  const { site, publicKey } = await vault.site();
  const issuers = [publicKey, ...others.map((hex) => fromHex(hex) ?? new Uint8Array(32))];
  return new Access(ports.clock, { site, issuers, refuseBeforeMs });
}

function watchCertificate(certificate: CertificateState, clock: Clock, metrics: Metrics): void {
  const daysLeft = (): number => (certificate.toMs - clock.nowMs()) / dayMs;
  metrics.watch('certificate_days_left', 'Days until the certificate of the site ends.', daysLeft);
  const help = 'Attempts to renew the certificate that failed, since the last that did not.';
  metrics.watch('certificate_failed_renewals', help, () => certificate.failures);
}

/** What whoever runs the site should be woken up by. */
function watchCare({ inventory, queue, database }: CareParts, metrics: Metrics): void {
  metrics.watch('unverified_seconds', 'How long ago the object was read that was not read for the longest.', async () => {
    const { oldestVerifiedMs } = await inventory.totals();
    return oldestVerifiedMs === null ? 0 : ((await database.nowMs()) - oldestVerifiedMs) / 1000;
  });
  metrics.watch(
    'damaged_objects',
    'Objects that stand aside or were found damaged.',
    async () => (await inventory.totals()).damaged,
  );
  metrics.watch('stored_bytes', 'Bytes of all objects.', async () => (await inventory.totals()).bytes);
  metrics.watch('failed_tasks', 'Tasks of the last 30 days that failed for good.', async () => {
    const counts = await queue.counts();
    return counts.reduce((sum, { state, count }) => sum + (state === 'failed' ? count : 0), 0);
  });
}

interface OwnCareParts extends CareParts {
  readonly node: CaringNode;
}

function carePartsOf(options: SiteServiceOptions, queue: WorkQueue): OwnCareParts {
  const { vault, database, ports, care = {}, twins = [], node: name, isGone = () => false } = options;
  const inventory = new Inventory(database);
  const metering = new Metering(database);
  const twinOpeners = twins.map((twin) => (signal: AbortSignal) => twin.open(signal));
  const policy = { keep: {}, ...care };
  const node = { name, isGone };
  return { vault, database, queue, inventory, metering, ports, policy, node, twinOpeners };
}

/** Null where nobody said which twins there are. */
function followPartsOf({ twins, log }: SiteServiceOptions, care: CareParts): FollowParts | null {
  if (twins === undefined) return null;
  return {
    ...care,
    twins,
    isNew: (safe) => scheduleSafe(care, safe),
    warn: (fields, text) => log.warn(fields, text),
  };
}

function watchTwins({ database }: CareParts, metrics: Metrics): void {
  const lags = new TwinLags(database);
  const sum = async (of: (lag: TwinLag) => number): Promise<number> =>
    (await lags.all()).reduce((total, lag) => total + of(lag), 0);
  metrics.watch('twin_behind_objects', 'Objects of the twins that were not looked at yet.', () =>
    sum((lag) => lag.behindObjects),
  );
  metrics.watch('twin_behind_bytes', 'Their bytes.', () => sum((lag) => lag.behindBytes));
  metrics.watch('twin_read_seconds', 'How long ago the feed was read to its end that was not for the longest.', async () => {
    const nowMs = await database.nowMs();
    return Math.max(0, ...(await lags.all()).map(({ readMs }) => (nowMs - (readMs ?? 0)) / 1000));
  });
}

function makeWorker({ ports, node, log }: SiteServiceOptions, queue: WorkQueue, handlers: WorkerOptions['handlers']): Worker {
  return new Worker({
    queue,
    handlers,
    node,
    timers: ports.timers,
    random: ports.random,
    tasksMax,
    customerMax: customerTasksMax,
    ended: ({ task: { id, kind, safe }, outcome, error }) => {
      const code = error instanceof Error && 'code' in error ? { code: String(error.code) } : {};
      log[error === undefined ? 'info' : 'warn'](
        { task: id, kind, ...(safe === null ? {} : { safe }), outcome, ...code },
        'task',
      );
    },
  });
}

async function listen(app: FastifyInstance, at: Listen | LocalSocket): Promise<number> {
  try {
    await app.listen('socket' in at ? { path: at.socket } : { host: at.host, port: at.port });
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    const place = 'socket' in at ? { localPath: at.socket } : { host: at.host, port: at.port };
    throw new VaultError('listen-failed', { context: { ...place, reason }, cause: error });
  }
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** False when somebody had to be cut off. */
async function closeWithin(app: FastifyInstance, timers: Timers): Promise<boolean> {
  let isOrderly = true;
  const late = timers.every(stopMsMax, () => {
    isOrderly = false;
    app.server.closeAllConnections();
  });
  try {
    await app.close();
  } finally {
    late.cancel();
  }
  return isOrderly;
}
