export {
  demandScope,
  demandTime,
  issuerName,
  namedSite,
  permits,
  signCapability,
  verbs,
  verifyCapability,
} from './capability.ts';
export type { Capability, CapabilityCheck, CapabilityGrant, Issuer, Verb } from './capability.ts';
export { checkJson, checkValue } from './check-json.ts';
export { encodeFrames, parseFrames } from './frames.ts';
export type { FrameLimits } from './frames.ts';
export {
  checkBody,
  cleanBody,
  customerBody,
  meteringAnswer,
  meteringQuery,
  rebuildBody,
  taskAnswer,
  taskStarted,
  twinsAnswer,
} from './operator-json.ts';
export type {
  CheckBody,
  CleanBody,
  CustomerBody,
  MeteringAnswer,
  MeteringQuery,
  RebuildBody,
  RuleJson,
  TaskAnswer,
  TaskStarted,
  TwinSafeJson,
  TwinsAnswer,
} from './operator-json.ts';
export {
  encodeOperatorKey,
  encodeOperatorPublicKey,
  operatorKeyOf,
  operatorShortForm,
  parseOperatorKey,
  parseOperatorPublicKey,
} from './operators/operator-key.ts';
export type { OperatorKey, OperatorPublicKey } from './operators/operator-key.ts';
export { completeHome, proposeHome } from './operators/home-proposal.ts';
export type { HomeMove } from './operators/home-proposal.ts';
export { completeCancel, completeErase, proposeCancel, proposeErase } from './operators/erase-proposal.ts';
export type { Cancelling, CompletedErase, Erasure } from './operators/erase-proposal.ts';
export { encodeProposal, parseProposal } from './operators/proposal.ts';
export type {
  CancelFacts,
  CancelProposal,
  EraseFacts,
  EraseProposal,
  HomeFacts,
  HomeProposal,
  Proposal,
  ProposedAct,
} from './operators/proposal.ts';
export { packFrames, packFramesBytes } from './pack-frames.ts';
export { encodeProblem, errorOfProblem, problemOf, statusOf } from './problem.ts';
export { mediaTypes, nextHeader, routePath, routes } from './routes.ts';
export type { Query, Route, RouteName } from './routes.ts';
export {
  feedAnswer,
  feedQuery,
  holdersAnswer,
  holdersBody,
  suspectsBody,
  leaseAnswer,
  ledgerQuery,
  liveQuery,
  objectQuery,
  rangesBody,
  recordsAnswer,
  recordsQuery,
  sessionAnswer,
  sessionBody,
} from './safe-json.ts';
export type {
  FeedAnswer,
  FeedQuery,
  HoldersAnswer,
  HoldersBody,
  SuspectsBody,
  LeaseAnswer,
  LedgerQuery,
  LiveQuery,
  ObjectQuery,
  RangesBody,
  RecordJson,
  RecordsAnswer,
  RecordsQuery,
  SessionAnswer,
  SessionBody,
} from './safe-json.ts';
export { recordJsonOf, recordOfJson } from './record-json.ts';
export { checkReport, cleanReport, rebuildReport } from './report-json.ts';
export type { CheckReportJson, CleanedRecordJson, CleanReportJson, RebuildReportJson } from './report-json.ts';
export { erasesAnswer } from './erase-json.ts';
export type { EraseJson, ErasesAnswer } from './erase-json.ts';
export { problemJson, safesAnswer, siteAnswer } from './site-json.ts';
export type { Problem, SafesAnswer, SiteAnswer, SiteLimits } from './site-json.ts';
export { encodeTokenFile, parseTokenFile } from './token-file.ts';
export type { TokenFile } from './token-file.ts';
export { Bandwidth } from './client/bandwidth.ts';
export type { BandwidthPorts, BandwidthWindow } from './client/bandwidth.ts';
export type { ExchangeOptions, ExchangePorts } from './client/exchange.ts';
export type { TaskRequest } from './client/remote-task.ts';
export { openRemoteVault, RemoteVault } from './client/remote-vault.ts';
export { openTwinSource } from './client/remote-twin.ts';
