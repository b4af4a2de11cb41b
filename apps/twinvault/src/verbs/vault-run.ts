/** `twinvault vault run`: one node of a site, from its configuration file until it is told to stop. */
import { youngCollection } from '@twinvault/std/node';
import { LookUps, makeLog, PackVerifiers, startSiteService } from '@twinvault/vault/service';
import type { VerbContext } from '../wiring/context.ts';
import { openSite } from '../wiring/open-site.ts';
import { loadConfig, siteCertificate } from '../wiring/site-files.ts';

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
  const certificate = isBehindFront ? null : await siteCertificate(platform, config);
  await using verifiers = new PackVerifiers(platform.threads);
  const server = { verifyPack: verifiers.verify, lookUps: new LookUps(platform.threads) };
  await using site = await openSite(platform, config, server);
  const service = await startSiteService({
    vault: site.vault,
    database: site.database,
    ports: platform,
    node: platform.processes.self,
    log,
    basePath: config.basePath,
    listen,
    operations: config.operations,
    tls: certificate,
    care: config.care,
    safeBytesMax: config.safeBytesMax,
    issuers: config.issuers,
    refuseBeforeMs: config.refuseBeforeMs,
    collectYoung: youngCollection(),
  });
  log.info({ address: config.address, port: service.port, ...(certificate === null ? {} : { pin: certificate.pin }) }, 'serving');
  await untilStopped(signal, options.untilInputEnds === true);
  log.info({}, 'stopping');
  await service.stop();
  log.info({}, 'stopped');
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
