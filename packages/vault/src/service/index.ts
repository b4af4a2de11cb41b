/* A site behind HTTPS: apart from the package's main entry, since whoever works on a vault in a directory needs none of its libraries. */

export { configBytesMax, parseConfigFile } from './config/config-file.ts';
export type { AcmeConfig, BucketConfig, ConfigFile, LogLevel } from './config/config-file.ts';
export { siteConfig } from './config/site-config.ts';
export type { Listen, SiteConfig } from './config/site-config.ts';
export type { TlsFiles } from './http/http-app.ts';
export { makeLog } from './log.ts';
export type { Log, LogFields, LogOptions } from './log.ts';
export { startSiteService, stopMsMax } from './site-service.ts';
export type { SiteService, SiteServiceOptions } from './site-service.ts';
