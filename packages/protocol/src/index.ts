export { ProtocolError, protocolErrorCodes } from './errors.ts';
export type { NetworkErrorCode, ProtocolErrorCode } from './errors.ts';
export {
  bodiesInFlightMax,
  bodyMsMax,
  capabilityBytesMax,
  capabilityMsMax,
  capabilitySkewMsMax,
  controlMsMax,
  customerBytesMax,
  digestDigits,
  fallOverMsMax,
  feedPageMax,
  feedWaitMsMax,
  heldPacksPerOriginMax,
  holdersMax,
  holdersOriginsMax,
  idDigits,
  jobBytesMax,
  jsonAnswerBytesMax,
  jsonRequestBytesMax,
  ledgerPageBytesMax,
  ledgerPageEntriesMax,
  livePageBytesMax,
  meteringDaysMax,
  newSafeBytesMax,
  newSafeEntriesMax,
  operatorFileBytesMax,
  operatorNameBytesMax,
  operatorsMax,
  packUploadBytesMax,
  problemBytesMax,
  problemContextMax,
  proposalActsMax,
  proposalFileBytesMax,
  protocolVersion,
  queueMsMax,
  rangesBytesMax,
  rangesMax,
  recordBytesMax,
  recordPageMax,
  reportRowsMax,
  retentionTypesMax,
  retryMsMax,
  retryPauseMsMax,
  retryPauseMsMin,
  safesMax,
  sitesMax,
  slotsBytesMax,
  slowBytesPerSecondMin,
  slowMsMax,
  tokenFileBytesMax,
  twinObjectBytesMax,
} from './limits.ts';
export { siteFailure } from './sites/site-failure.ts';
export type { SiteFailure } from './sites/site-failure.ts';
export { clientSitesMax, SiteSet } from './sites/site-set.ts';
export type { OpenSite, SiteEvent, SitePlace, SiteSetOptions } from './sites/site-set.ts';
export { SafeAtSites } from './sites/safe-at-sites.ts';
export type { SafeAtSite } from './sites/safe-at-sites.ts';
export { VaultAtSites } from './sites/vault-at-sites.ts';
export { twinObjectKinds } from './twin-port.ts';
export type { AskedObject, TwinEvent, TwinFeedPage, TwinObjectKind, TwinObjectName, TwinSafe, TwinSource } from './twin-port.ts';
export type {
  CommitReply,
  LivePack,
  NewSafe,
  PackCopy,
  RecordFilter,
  RecordSummary,
  SafeSummary,
  SessionRequest,
  SiteInfo,
  Vault,
  VaultReading,
  VaultSafe,
  VaultSession,
} from './vault-port.ts';
