/* The engine: backup and restore, between a source or a target and a vault. */
export { backupAtSites, fallOversMax } from './sites/backup-at-sites.ts';
export type { BackupAtSitesOptions, BackupAtSitesReport, FallOver } from './sites/backup-at-sites.ts';
export { siteLagMsMax } from './sites/compare-sites.ts';
export type { SiteFinding, SiteView } from './sites/compare-sites.ts';
export { compareAtSites, oneSite } from './sites/view-sites.ts';
export type { SitesOfSafe } from './sites/view-sites.ts';
export { backup, fullReadMsMax, levelDefault } from './backup.ts';
export type { BackupOptions } from './backup.ts';
export type { ReuseScope } from './dedup/live-list.ts';
export { liveStates } from './live/live-content.ts';
export type { LiveState } from './live/live-content.ts';
export { verifyLive } from './live/verify-live.ts';
export type { LiveEntry, VerifyLiveOptions, VerifyLiveProgress, VerifyLiveReport } from './live/verify-live.ts';
export { EngineError, engineErrorCodes } from './errors.ts';
export type { EngineErrorCode } from './errors.ts';
export type { BackupPhase, BackupProgress, BackupReport } from './report.ts';
export { packEntries, unpackEntries } from './entries/scanned-entries.ts';
export { entryTypes } from './source-port.ts';
export type {
  AclPart,
  DataRange,
  EntryDetails,
  EntryError,
  EntryErrorCode,
  EntryStat,
  EntryType,
  FileSource,
  LastEntries,
  OpenedEntry,
  SameEntries,
  ScanEvent,
  ScanRules,
  ScannedEntries,
  ScannedEntry,
  SourceReader,
  Xattr,
} from './source-port.ts';
export { openAgentState, SafeState } from './state/agent-state.ts';
export type { AgentState, AgentStateOptions } from './state/agent-state.ts';
export { JobState } from './state/job-state.ts';
export { Pins } from './state/pins.ts';
export type { JobHead, RunRow, SeedBegun } from './state/pins.ts';
export type { KeptLedger } from './state/kept-ledger.ts';
export { headKey } from './run/opening.ts';
export { settingsDefault } from './state/settings.ts';
export type { PassedOn } from './state/passed-on.ts';
export { currentSafe } from './succession/current-safe.ts';
export type { CurrentSafe, CurrentSafeOptions } from './succession/current-safe.ts';
export type { ComputerSettings } from './state/settings.ts';
export { stoppingCodes } from './target-port.ts';
export type { ConflictRule, EntryMetadata, Placed, Target, TargetFile, TargetModule } from './target-port.ts';
export type { RestoreRule } from './restore/conflicts.ts';
export { headsOfCopies, rekey, safesetsToCopy } from './rekey/rekey.ts';
export type { CopiedSafeset, RekeyOptions, RekeyProgress, RekeyReport } from './rekey/rekey.ts';
export { restore } from './restore/restore.ts';
export type { RestoreOptions, RestoreTotals } from './restore/restore.ts';
export type { RestoreProgress, RestoreReport } from './restore/restore-report.ts';
export { isWithin, joinName, splitName } from './restore/selection.ts';
export { verifySafe } from './restore/verify.ts';
export type { VerifyOptions, VerifyProblem, VerifyProgress, VerifyReport } from './restore/verify.ts';
