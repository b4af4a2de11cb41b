export { problemKinds } from './check/problems.ts';
export type { CheckProblem, ProblemCode, ProblemKind } from './check/problems.ts';
export type { CheckOptions, CheckProgress, CheckReport } from './check/check-run.ts';
export { shareMaxDefault } from './clean/clean.ts';
export { quarantineMsDefault } from './clean/clean-run.ts';
export type {
  CleanedCompaction,
  CleanedPack,
  CleanedRecord,
  CleanOptions,
  CleanProgress,
  CleanReport,
  PackAction,
} from './clean/report.ts';
export { compactBytesMaxDefault, unusedMaxDefault } from './compact/choose.ts';
export type { CompactOptions } from './compact/choose.ts';
export type { VaultPorts } from './context.ts';
export { createDirectoryVault, directoryParts, openDirectoryVault } from './directory-vault.ts';
export type { DirectoryPorts, DirectoryVaultOptions } from './directory-vault.ts';
export { VaultError, vaultErrorCodes } from './errors.ts';
export type { VaultErrorCode } from './errors.ts';
export type { ErasedOrder } from './erases/erase.ts';
export type { EraseOptions, EraseProgress } from './erases/erase-work.ts';
export { eraseWaitMsDefault } from './erases/orders.ts';
export { leaseLapseMs, lockLapseMs } from './leases/leases.ts';
export type { Lease, LeaseAnswer, LeaseHolder, LeaseRequest, Leases, OpenLease } from './leases/leases.ts';
export type { RebuildOptions, RebuildProgress, RebuildReport, RebuiltSafe } from './rebuild/rebuild.ts';
export { evaluateRetention } from './retention/evaluate.ts';
export type {
  KeepReason,
  RetentionDecision,
  RetentionItem,
  RetentionOptions,
  RetentionRule,
  RetireReason,
} from './retention/evaluate.ts';
export { retentionItems, ruleOf } from './retention/facts.ts';
export type { KeepRules } from './retention/facts.ts';
export { simulateRetention } from './retention/simulate.ts';
export type { ScheduledRuns, SimulatedCount, SimulatedItem, Simulation, SimulationInput } from './retention/simulate.ts';
export type { CreateOptions } from './safes/safes.ts';
export { heavyBytesMinDefault, ThreadedLookUps } from './lookup/threaded-look-ups.ts';
export type { ReadingState, SessionState } from './sessions/carried.ts';
export type { OpenedSession, SessionOptions, SiteSession } from './sessions/session.ts';
export type { SiteReading } from './reading/reading.ts';
export { exportSeed } from './seed/export-seed.ts';
export type { ExportOptions, ExportReport } from './seed/export-seed.ts';
export { finishLoad } from './seed/finish-seed.ts';
export { importSeed } from './seed/import-seed.ts';
export type { ImportOptions, ImportReport } from './seed/import-seed.ts';
export type { SeedMaker } from './seed/finish-seed.ts';
export { createSeedDisk, onDisk, openSeedDisk, SeedDisk } from './seed/seed-disk.ts';
export type { SeedContents, SeedDiskOptions } from './seed/seed-disk.ts';
export { verifySeed } from './seed/verify-seed.ts';
export type { SeedProblem, SeedProgress, SeedReport, VerifySeedOptions } from './seed/verify-seed.ts';
export { SiteSafe } from './site-safe.ts';
export { createVault, openVault, SiteVault } from './site-vault.ts';
export type { ServerParts, VaultParts } from './site-vault.ts';
export type { Reserve } from './site/reserve.ts';
export { fileSiteKey } from './site/site-key.ts';
export type { SiteKey } from './site/site-key.ts';
export type { SafeStats } from './stats.ts';
export type { Cache } from './store/cache.ts';
export type { TakeInOptions, TakeInPlace, TakeInProgress, TakeInReport, UntakenObject } from './twins/taking-in.ts';
export { twinSkewMsMax } from './twins/twins.ts';
export type { TwinRead, Twins, TwinSite } from './twins/twins.ts';
export { vaultTwinSource } from './twins/vault-source.ts';
export type {
  ErasedObject,
  ErasedRemains,
  ErasureMeans,
  LockedRemain,
  ObjectStat,
  ObjectStore,
  PutOptions,
  SweepOptions,
} from './store/object-store.ts';
