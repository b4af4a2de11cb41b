/* A site behind HTTPS: apart from the package's main entry, since whoever works on a vault in a directory needs none of its libraries. */

export { createBucketVault } from '../bucket-vault.ts';
export type { BucketVaultOptions } from '../bucket-vault.ts';
export { DatabaseLeases } from '../database/database-leases.ts';
export { openSiteDatabase } from '../database/open-database.ts';
export type { DatabaseConfig } from '../database/open-database.ts';
export type { SiteDatabase } from '../database/site-database.ts';
export { configBytesMax, parseConfigFile } from './config/config-file.ts';
export type { BucketConfig, ConfigFile, LogLevel, PostgresqlConfig } from './config/config-file.ts';
export { siteConfig } from './config/site-config.ts';
export type { Listen, SiteConfig } from './config/site-config.ts';
export { tlsSuites } from './http/http-app.ts';
export type { TlsFiles } from './http/http-app.ts';
export { makeLog } from './log.ts';
export type { Log, LogFields, LogOptions } from './log.ts';
export { startSiteService, stopMsMax } from './site-service.ts';
export type { SiteService, SiteServiceOptions } from './site-service.ts';
export type { S3Bucket } from '../store/s3/s3-client.ts';
export { LookUps } from '../lookup/look-ups.ts';
export { PackVerifiers } from './verify/pack-verifiers.ts';
