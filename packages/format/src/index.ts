export { decodeCbor, encodeCbor } from './cbor.ts';
export type { CborLimits, CborValue } from './cbor.ts';
export { compactedPackCount, compactedPacks, planNonce } from './compaction.ts';
export type { BlobSource, CompactedPack, OriginRow, OriginRows } from './compaction.ts';
export { encodePlan, parsePlan } from './compaction-plan.ts';
export type { CompactionPlan } from './compaction-plan.ts';
export { encodeEraseCertificate, parseEraseCertificate } from './erase-certificate.ts';
export type {
  EraseCertificate,
  ErasedBucket,
  ErasedFiles,
  ErasedObjects,
  EraseState,
  ErasureProblem,
  ErasureWait,
} from './erase-certificate.ts';
export { compareJobs } from './ledger-payload.ts';
export {
  encodeEraseOrder,
  eraseOrderName,
  eraseSecondMessage,
  mayCancel,
  parseEraseOrder,
  verifyEraseOrder,
} from './erase-order.ts';
export type { EraseJob, EraseOrder, ParsedEraseOrder } from './erase-order.ts';
export { FormatError, formatErrorCodes } from './errors.ts';
export type { FormatErrorCode } from './errors.ts';
export { Fields, isBytes, isText } from './fields.ts';
export type { TextLimits } from './fields.ts';
export {
  certificateId,
  certificateIdFromHex,
  chunkId,
  chunkIdFromHex,
  computerId,
  computerIdFromHex,
  packName,
  packNameFromHex,
  recordDigest,
  recordDigestFromHex,
  safeId,
  safeIdFromHex,
  safesetId,
  safesetIdFromHex,
  siteId,
  siteIdFromHex,
} from './ids.ts';
export type { CertificateId, ChunkId, ComputerId, PackName, RecordDigest, SafeId, SafesetId, SiteId } from './ids.ts';
export { encodeKeySlotObject, keySlotAad, parseKeySlotObject, slotLimits } from './key-slot.ts';
export type { KeySlot, KeySlotType, SlotLimit } from './key-slot.ts';
export { Ledger } from './ledger.ts';
export { readLedgerHead } from './ledger-head.ts';
export type { LedgerHead } from './ledger-head.ts';
export { encodeLedgerEntry, ledgerSecondMessage, parseLedgerEntry } from './ledger-entry.ts';
export type { LedgerEntry, ParsedLedgerEntry } from './ledger-entry.ts';
export { ledgerKinds, successionMessage } from './ledger-payload.ts';
export type {
  AdmissionPayload,
  CertificatePayload,
  EpochPayload,
  ErasePayload,
  EscrowPayload,
  FeaturePayload,
  HandoverPayload,
  HomePayload,
  LastRecord,
  LedgerKind,
  LedgerPayload,
  MarkPayload,
  PartyPayload,
  PartyRole,
  RetentionPayload,
  RevocationPayload,
  SlotsPayload,
  SuccessionPayload,
  SuccessorPayload,
  SuitePayload,
} from './ledger-payload.ts';
export type { Certificate, Home, Mark, MarkKind, Revocation } from './ledger-state.ts';
export {
  admissionBytes,
  catalogLevelMax,
  catalogNodeBytesMax,
  digestBytes,
  eraseCertificateBytesMax,
  eraseCertificateRowsMax,
  eraseJobsMax,
  eraseOrderBytesMax,
  errorListMax,
  generationBytes,
  kemCiphertextBytes,
  kemPublicKeyBytes,
  labelBytesMax,
  ledgerEntryBytesMax,
  nameBytesMax,
  nonceBytes,
  noteBytesMax,
  packBytesMax,
  packBytesTarget,
  packRowsMax,
  packSectionsMax,
  pathBytesMax,
  plaintextBytesMax,
  planBytesMax,
  planPacksMax,
  recordPreviousMax,
  recordPublicBytesMax,
  recordRefsBytesMax,
  recordSealedBytesMax,
  ropeExtentsMin,
  seedListBytesMax,
  signatureBytes,
  signedBytesMax,
  signingKeyBytes,
  slotBytesMax,
  slotsMax,
  xattrBytesMax,
} from './limits.ts';
export {
  encodeObjectHeader,
  encodeSigned,
  formatVersion,
  objectDigest,
  objectHeaderBytes,
  objectKindOf,
  parseObjectHeader,
  parseSigned,
  secondMessage,
  verifySigned,
} from './objects.ts';
export type { ObjectKind, Sign, SignedKind, SignedObject, Suite } from './objects.ts';
export {
  encodePackTail,
  packNameOf,
  parsePackTail,
  verifyBlob,
  verifyPack,
  verifyPackEnds,
  verifyPackTable,
  wrongBlob,
} from './pack.ts';
export type { PackExpectation, PackTail, PackTailParts, VerifiedTail } from './pack.ts';
export { encodePackHeader, packHeaderBytesMax, packHeaderFixedBytes, packKinds, parsePackHeader } from './pack-header.ts';
export type { PackHeader, PackKind } from './pack-header.ts';
export { packTrailerBytes, saltBytes, slipBytesOf } from './pack-layout.ts';
export type { PackSection } from './pack-sections.ts';
export { FreshRows } from './fresh-rows.ts';
export type { RowTotals } from './fresh-rows.ts';
export { compactedOrigins, packSectionCount, packTailBytes, PackTable } from './pack-table.ts';
export type { PackRow } from './pack-table.ts';
export { encodeReceipt, encodeTombstone, parseReceipt, parseTombstone, verifyReceipt, verifyTombstone } from './receipt.ts';
export type { Measure, Receipt, SignedBy, Tombstone } from './receipt.ts';
export { encodeRecord, parseRecord, parseRecordHead, recordHeadFixedBytes, recordPublicDigest, verifyRecord } from './record.ts';
export type { ParsedRecord, RecordContext, RecordHead, RecordParts, RecordProof } from './record.ts';
export {
  encodeRecordDifference,
  isRecordDifference,
  parseRecordDifference,
  recordDifferenceBase,
  recordOfDifference,
} from './record-difference.ts';
export type { RecordDifference } from './record-difference.ts';
export { encodeRecordPublic, parseRecordPublic } from './record-public.ts';
export type { RecordCounts, RecordKind, RecordPublic, RecordResult } from './record-public.ts';
export {
  bitmapCount,
  bitmapHas,
  bitmapPositions,
  isBitmap,
  mergeRefs,
  parseRefs,
  Refs,
  RefsBuilder,
  refsBitmapBytesMax,
  subtractRefs,
  xorRefs,
} from './refs.ts';
export type { RefsPack } from './refs.ts';
export { encodeSafeDescriptor, parseSafeDescriptor, rootKeyShortForm, safeIdOf } from './safe-descriptor.ts';
export type { SafeDescriptor } from './safe-descriptor.ts';
export { encodeSeedList, parseSeedList, seedObjectKinds } from './seed-list.ts';
export type { SeedObject, SeedObjectKind } from './seed-list.ts';
export { encodeSeedManifest, parseSeedManifest, seedObjects, seedPurposes } from './seed-manifest.ts';
export type { SeedFacts, SeedManifest, SeedPurpose } from './seed-manifest.ts';
export { encodeStub, parseStub, stubBytesMax } from './stub.ts';
export type { ParsedStub } from './stub.ts';
