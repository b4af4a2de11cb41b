/* A site behind HTTPS: apart from the package's main entry, since whoever works on a vault in a directory needs none of its libraries. */

export { createBucketVault } from '../bucket-vault.ts';
export type { BucketVaultOptions } from '../bucket-vault.ts';
export { DatabaseLeases } from '../database/database-leases.ts';
export { Inventory } from '../database/inventory.ts';
export { openSiteDatabase } from '../database/open-database.ts';
export type { DatabaseConfig } from '../database/open-database.ts';
export type { SiteDatabase } from '../database/site-database.ts';
export type { FollowedTwin } from '../care/follow.ts';
export { openAcmeAnswers } from './certificate/acme-answers.ts';
export type { AcmeAnswers } from './certificate/acme-answers.ts';
export { orderCertificate } from './certificate/acme-order.ts';
export type { AcmeOrder, AcmePorts } from './certificate/acme-order.ts';
export { Renewal } from './certificate/renewal.ts';
export type { Attempts, AttemptsKeeper, RenewalOptions, Validity } from './certificate/renewal.ts';
export { WatchedFiles } from './certificate/watched-files.ts';
export type { WatchedFilesOptions } from './certificate/watched-files.ts';
export { configBytesMax, parseConfigFile } from './config/config-file.ts';
export type {
  BucketConfig,
  CertificateConfig,
  ConfigFile,
  LogLevel,
  PostgresqlConfig,
  TwinConfig,
} from './config/config-file.ts';
export { acmeOf, siteConfig } from './config/site-config.ts';
export type { AcmeConfig, CertificateWish, Listen, SiteConfig } from './config/site-config.ts';
export { tlsSuites } from './http/http-app.ts';
export type { TlsFiles } from './http/http-app.ts';
export { makeLog } from './log.ts';
export type { Log, LogFields, LogOptions } from './log.ts';
export { startSiteService, stopMsMax } from './site-service.ts';
export type { CertificateState, SiteService, SiteServiceOptions } from './site-service.ts';
export type { S3Bucket } from '../store/s3/s3-client.ts';
export { ThreadedLookUps } from '../lookup/threaded-look-ups.ts';
export { PackVerifiers } from './verify/pack-verifiers.ts';
