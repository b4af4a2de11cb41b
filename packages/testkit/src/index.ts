export { compactedPack } from './builders/compacted-pack.ts';
export type { StoredPack } from './builders/compacted-pack.ts';
export { refsOf, TestSafe } from './builders/test-safe.ts';
export type {
  TestComputer,
  TestNewSafe,
  TestPack,
  TestPackOptions,
  TestRecord,
  TestRecordOptions,
} from './builders/test-safe.ts';
export { compareTrees } from './compare-trees.ts';
export type { CompareOptions } from './compare-trees.ts';
export { clockConformance } from './conformance/clock.ts';
export type { ClockUnderTest } from './conformance/clock.ts';
export { databasesConformance } from './conformance/databases.ts';
export type { DatabasesUnderTest } from './conformance/databases.ts';
export { filesConformance } from './conformance/files.ts';
export type { FilesUnderTest } from './conformance/files.ts';
export { leasesConformance } from './conformance/leases.ts';
export type { LeasesUnderTest } from './conformance/leases.ts';
export { networkConformance } from './conformance/network.ts';
export type { NetworkUnderTest } from './conformance/network.ts';
export { objectStoreConformance } from './conformance/object-store.ts';
export type { StoreUnderTest } from './conformance/object-store.ts';
export { randomConformance } from './conformance/random.ts';
export { threadsConformance } from './conformance/threads.ts';
export { following, liveNames, rejectsWith, runOnce, sessionOf, vaultConformance } from './conformance/vault.ts';
export type { VaultUnderTest } from './conformance/vault.ts';
export { decoderMissing, runDecoder } from './decoder.ts';
export type { ProgramAnswer } from './decoder.ts';
export { FakeClock, settle } from './fake-clock.ts';
export { faulty } from './faulty.ts';
export type { FaultCounter, FaultOptions } from './faulty.ts';
export { faultyFiles } from './faulty-files.ts';
export type { FaultyFilesOptions } from './faulty-files.ts';
export { freePort } from './free-ports.ts';
export { inlineThreads } from './inline-threads.ts';
export type { InlineThreadsOptions } from './inline-threads.ts';
export { memoryDatabases } from './memory-databases.ts';
export { MemoryDisk } from './memory-disk.ts';
export type { DiskImage, MemoryDiskOptions } from './memory-disk.ts';
export { MemoryNetwork } from './memory-network.ts';
export type { MemoryHandler, ReceivedRequest } from './memory-network.ts';
export { memoryPlatform } from './memory-platform.ts';
export type { MemoryPlatform } from './memory-platform.ts';
export { MemoryS3 } from './memory-s3.ts';
export type { MemoryS3Options } from './memory-s3.ts';
export { memorySource, MemoryFaultError, MemoryTree } from './memory-source.ts';
export type { MemoryFault, MemoryNode } from './memory-source.ts';
export { MemoryTargetError, MemoryTargetTree } from './memory-target.ts';
export type { MemoryTargetFault, MemoryTargetNode } from './memory-target.ts';
export { MemoryStore } from './memory-store.ts';
export type { MemoryStoreOptions } from './memory-store.ts';
export { makeNastyTree, removeTree } from './nasty-tree.ts';
export type { NastyTree } from './nasty-tree.ts';
export { pebbleMissing, startPebble } from './pebble-server.ts';
export type { PebbleOptions, PebbleServer } from './pebble-server.ts';
export { s3Missing, startS3 } from './s3-server.ts';
export type { S3Keys, S3Server } from './s3-server.ts';
export { mountSmallDisk } from './small-disk.ts';
export type { SmallDisk } from './small-disk.ts';
export { seededRandom } from './seeded-random.ts';
export { postgresMissing, startPostgres } from './postgres-server.ts';
export type { PostgresServer } from './postgres-server.ts';
