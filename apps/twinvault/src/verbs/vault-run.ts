/** `twinvault vault run`: one node of a site, from its configuration file until it is told to stop. */
import { ThreadedLookUps, makeLog, PackVerifiers, startSiteService } from '@twinvault/vault/service';
import type { Log } from '@twinvault/vault/service';
import { CodedError, dayMs } from '@twinvault/std';
import type { SiteVault } from '@twinvault/vault';
import { CertificateKeeper } from '../wiring/certificate-keeper.ts';
import type { CertificateEvent } from '../wiring/certificate-keeper.ts';
import type { VerbContext } from '../wiring/context.ts';
import { openTwins } from '../wiring/open-twins.ts';
import { openSite } from '../wiring/open-site.ts';
import { loadConfig } from '../wiring/site-files.ts';

export interface VaultRunOptions {
  readonly config: string;
  readonly untilInputEnds?: true;
}

export async function vaultRun({ platform, output, signal }: VerbContext, options: VaultRunOptions): Promise<void> {
  const config = await loadConfig(platform, options.config);
  const log = makeLog({ level: config.log, clock: platform.clock, write: (line) => output.text(line.trimEnd()) });
  const { listen } = config;
  const isBehindFront = 'socket' in listen;
  // What a node that was killed left there would keep this one from listening.
  if (isBehindFront) await platform.files.remove(listen.socket);
  await using keeper = isBehindFront
    ? null
    : await CertificateKeeper.open({ platform, site: config, heard: (event) => logCertificate(log, event) });
  const certificate = keeper?.current ?? null;
  await using verifiers = new PackVerifiers(platform.threads);
  const server = { verifyPack: verifiers.verify, lookUps: new ThreadedLookUps(platform.threads) };
  await using site = await openSite(platform, config, server);
  const service = await startSiteService({
    vault: site.vault,
    database: site.database,
    ports: platform,
    node: platform.processes.self,
    isGone: (node) => platform.processes.isGone(node),
    log,
    basePath: config.basePath,
    listen,
    operations: config.operations,
    tls: certificate,
    ...(keeper === null ? {} : { certificate: keeper }),
    care: config.care,
    twins: await openTwins(platform, config.twins),
    safeBytesMax: config.safeBytesMax,
    issuers: config.issuers,
    refuseBeforeMs: config.refuseBeforeMs,
  });
  await tellMinimumAge(log, site.vault, config.minimumAgeMs);
  log.info({ address: config.address, port: service.port, ...(certificate === null ? {} : { pin: certificate.pin }) }, 'serving');
  keeper?.start((next) => service.useCertificate(next));
  await untilStopped(signal, options.untilInputEnds === true);
  log.info({}, 'stopping');
  await service.stop();
  log.info({}, 'stopped');
}

/** What was promised once holds although the configuration promises less now. */
async function tellMinimumAge(log: Log, vault: SiteVault, configuredMs: number): Promise<void> {
  const ageMs = await vault.minimumAgeMs();
  if (ageMs > configuredMs)
    log.warn(
      { days: ageMs / dayMs, configuredDays: configuredMs / dayMs },
      'the minimum age was set higher before, and stays so',
    );
}

/** Addresses and words of an authority are its own, and the operator's to see. */
function logCertificate(log: Log, event: CertificateEvent): void {
  if (event.type === 'renewed') {
    log.info({ until: new Date(event.toMs).toISOString() }, 'certificate');
    return;
  }
  if (event.type === 'waits') {
    log.warn({ failures: event.failures, again: new Date(event.againMs).toISOString() }, 'certificate order waits');
    return;
  }
  const { error, againMs } = event;
  const { code, context } = error instanceof CodedError ? error : { code: 'unknown', context: {} };
  log.warn({ code, ...context, again: new Date(againMs).toISOString() }, 'certificate not renewed');
}

async function untilStopped(signal: AbortSignal, untilInputEnds: boolean): Promise<void> {
  const { stdin } = process;
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (untilInputEnds) stdin.resume().once('close', () => resolve());
  });
  // An open input would keep the process alive.
  if (untilInputEnds) stdin.destroy();
}
