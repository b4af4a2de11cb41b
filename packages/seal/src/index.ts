export {
  certificateEntry,
  changeKit,
  changePassword,
  enrolHere,
  epochEntryOf,
  eraseCancelOf,
  eraseOrderOf,
  minimumSuiteEntry,
  makeSafe,
  operatorEntry,
  ownerEntries,
  revokeEntry,
  slotsEntry,
} from './admin.ts';
export type { MadeSafe, NewSafeObjects, SafeToMake, SlotChange } from './admin.ts';
export { agentKeysBytesMax, encodeAgentKeys, parseAgentKeys } from './agent-keys.ts';
export type { AgentKeys } from './agent-keys.ts';
export {
  blobKey,
  blobMatches,
  chunkSecret,
  chunkSecrets,
  openBlob,
  openChunkWithKey,
  openChunkWithKeys,
  sealBlob,
  verifyChunkId,
} from './blobs.ts';
export type { BlobPlace, BlobToOpen, ChunkSecret, OpeningMemory, SealedBlob } from './blobs.ts';
export { CatalogReader } from './catalog/catalog-reader.ts';
export type { Content, Subtree, WalkOptions } from './catalog/catalog-reader.ts';
export { CatalogWriter } from './catalog/catalog-writer.ts';
export type { CatalogWriterOptions, KnownLeaf, StoredContent, WrittenCatalog, WrittenLeaf } from './catalog/catalog-writer.ts';
export { diffCatalogs } from './catalog/diff.ts';
export type { CatalogChange } from './catalog/diff.ts';
export { entryChange, sameContent } from './catalog/entry-change.ts';
export type { EntryChange, MetadataPart, VersionSource } from './catalog/entry-change.ts';
export { entryTypes, equalEntries, equalExtents } from './catalog/entry.ts';
export type { AclPart, Attributes, CatalogEntry, EntryType, Extent, NamedStream, Time, Xattr } from './catalog/entry.ts';
export { decodeNode } from './catalog/node-decoder.ts';
export type { DecodedNode } from './catalog/node-decoder.ts';
export type { NodeSink, NodeSource } from './catalog/node-sink.ts';
export {
  belowPrefix,
  compareKeys,
  comparePlaces,
  entryKey,
  entryPath,
  isComponent,
  isDirectoryPath,
  joinPath,
  listPrefix,
  splitPath,
} from './catalog/path.ts';
export type { Place } from './catalog/path.ts';
export { UnseenWalk } from './catalog/unseen.ts';
export type { UnseenBatch } from './catalog/unseen.ts';
export { bundleTag, endsBundle } from './cutting/bundle.ts';
export { Cutter } from './cutting/cutter.ts';
export type { CutterOptions } from './cutting/cutter.ts';
export {
  bundleBytesMax,
  bundleBytesMin,
  bundledBytesMax,
  chunkBytesMax,
  chunkBytesMin,
  cutThreshold,
} from './cutting/cutting-limits.ts';
export { gearTable } from './cutting/gear-table.ts';
export { SipHasher, sipHash24 } from './cutting/siphash.ts';
export {
  acceptEnrolment,
  answerEnrolment,
  enrolmentRequest,
  formatEnrolmentToken,
  newEnrolment,
  newEnrolmentToken,
  parseEnrolmentToken,
} from './enrolment.ts';
export type { EnrolmentAnswer, EnrolmentToken, PendingEnrolment } from './enrolment.ts';
export {
  addEscrow,
  escrowNameCharactersMax,
  escrowPrivateText,
  escrowPublicKey,
  escrowPublicText,
  escrowShortForm,
  escrowsOf,
  newEscrowSeed,
  parseEscrowPrivateText,
  parseEscrowPublicText,
  removeEscrow,
} from './escrow.ts';
export type { EscrowPublicKey, EscrowSeed } from './escrow.ts';
export { SealError, sealErrorCodes } from './errors.ts';
export type { SealErrorCode } from './errors.ts';
export {
  bundleKey,
  derive,
  kindKeys,
  newRootSecret,
  ownerKeys,
  readSeed,
  rootKeys,
  rootSecret,
  stateKey,
  writeSecret,
} from './keys.ts';
export type { KindKeys, RootSecret, SigningKeys, WriteSecret } from './keys.ts';
export { formatKitCode, kitText, kitTextCharactersMax, parseKitText } from './kit.ts';
export type { Kit } from './kit.ts';
export { newKitCode } from './kit-code.ts';
export type { KitCode } from './kit-code.ts';
export { kitWordList, kitWords, kitWordsCount } from './kit-words.ts';
export { OpenedSafe, demandExtends, openSafe, replayPinned } from './open-safe.ts';
export type { PinnedSafe, SafeToOpen } from './open-safe.ts';
export { PackBuilder } from './pack-builder.ts';
export type { BuiltPack, BuiltRow, PackBuilderInput, ReusedBlob } from './pack-builder.ts';
export { openSlip, packKeyOf, sealSlip } from './pack-keys.ts';
export type { SlipPlace } from './pack-keys.ts';
export { PackKeyring, openChunk, openSlipOf } from './pack-opener.ts';
export type { ChunkToOpen, PackKeyringInput, SessionSecret, SlipToOpen } from './pack-opener.ts';
export { PageFinder } from './pages/page-finder.ts';
export type { FoundPage, SearchedPages } from './pages/page-finder.ts';
export {
  PageHasher,
  leadBytesAt,
  newPageKey,
  pageBytes,
  pageKeyBytes,
  pagesOf,
  samePagesMax,
  searchBytesMax,
  wordsPerPage,
} from './pages/page-hasher.ts';
export {
  checkPasswordStrength,
  passwordBitsMin,
  passwordBytes,
  passwordCharactersMax,
  passwordCharactersMin,
} from './password.ts';
export type { PasswordStrength } from './password.ts';
export { decodePayload, encodePayload, payloadLevelDefault } from './payload.ts';
export type { PayloadOptions } from './payload.ts';
export { openRecordPart, sealRecordPart, sourcesMax } from './sealed-record.ts';
export type { CatalogRoot, RecordError, RecordSealedPart } from './sealed-record.ts';
export { SelfCheck } from './self-check.ts';
export { newSealingSession, sessionMsMax } from './session.ts';
export type { NewSealingSession, SealingSession } from './session.ts';
export { makeEscrowSlot, makeKitSlot, makePasswordSlot, openSlot, passwordParametersDefault } from './slots.ts';
export type { PasswordParameters, SlotSecret } from './slots.ts';
export {
  admissionEntries,
  demandSuccessor,
  handoverEntry,
  keysOfAdmission,
  openAdmission,
  succeeds,
  successionEntry,
  successorEntry,
} from './succession.ts';
export { openBytes, sealBytes, sealedLength, zeroNonce } from './suites.ts';
export type { SealInput } from './suites.ts';
export { ChunkReader } from './reader/chunk-reader.ts';
export type { BlobOpening, ChunkPlace, ReadChunk } from './reader/chunk-reader.ts';
export type { ReaderFilter, ReaderReading, ReaderSummary, ReaderVault } from './reader/reader-vault.ts';
export type { RefsReport } from './reader/refs-check.ts';
export { SafeReader, SafesetReader, openSafeReader } from './reader/safe-reader.ts';
