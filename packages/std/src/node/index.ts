/*
 * The node part of std: the only place of the code base that imports node:fs, node:net, node:timers,
 * node:worker_threads and node:sqlite. Everything else is handed what it needs through ports.
 */

export { certificatePin } from './certificate-pin.ts';
export { startFront } from './front-server.ts';
export type { FrontOptions, FrontServer } from './front-server.ts';
export { nodeDatabases } from './node-databases.ts';
export { nodeFiles } from './node-files.ts';
export { nodeNetwork } from './node-network.ts';
export type { NodeNetwork, NodeNetworkOptions } from './network-options.ts';
export { nodePlatform } from './node-platform.ts';
export { receivedPieces } from './received-pieces.ts';
export { readSecretFile } from './secret-file.ts';
export type { SecretFile } from './secret-file.ts';
export { nodeThreads } from './node-threads.ts';
export { systemClock } from './system-clock.ts';
export { systemProcesses } from './system-processes.ts';
export { systemRandom } from './system-random.ts';
export { systemTimers } from './system-timers.ts';
export { certificateFacts, certificatesIn, makeServerKey, selfSignedCertificate } from './x509/server-certificate.ts';
export type { CertificateFacts, SelfSignedOptions } from './x509/server-certificate.ts';
