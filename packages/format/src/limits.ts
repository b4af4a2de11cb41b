/* The limits of docs/format/README.md under their names, and the lengths of fixed parts. Sizes are bytes. */

import { KiB, MiB } from '@twinvault/std';

export const plaintextBytesMax: number = 16 * MiB;
export const packBytesMax: number = 32 * MiB;
/** At what size writers and compaction begin a new pack. */
export const packBytesTarget: number = 16 * MiB;
export const packRowsMax = 65_536;
export const packSectionsMax = 4096;
export const catalogNodeBytesMax: number = 128 * KiB;
export const catalogLevelMax = 32;
export const nameBytesMax = 1024;
export const pathBytesMax = 32_768;
export const xattrBytesMax = 65_536;
export const ropeExtentsMin = 64;
export const recordPublicBytesMax: number = 64 * KiB;
export const recordRefsBytesMax: number = 256 * MiB;
export const recordSealedBytesMax: number = 4 * MiB;
export const recordPreviousMax = 64;
export const ledgerEntryBytesMax: number = 64 * KiB;
export const signedBytesMax: number = 64 * KiB;
export const planBytesMax: number = 16 * MiB;
/** Packs that one plan makes. */
export const planPacksMax = 1024;
export const eraseOrderBytesMax: number = 1 * MiB;
/** List of a seed disk. */
export const seedListBytesMax: number = 128 * MiB;
export const eraseJobsMax = 4096;
export const eraseCertificateBytesMax: number = 4 * MiB;
/** Of each list in a certificate. */
export const eraseCertificateRowsMax = 1000;
export const slotBytesMax = 4096;
export const slotsMax = 16;
export const labelBytesMax = 256;
export const noteBytesMax = 4096;
export const errorListMax = 10_000;
/** Arrays and maps within each other. */
export const cborDepthMax = 8;

/** X-Wing, draft-connolly-cfrg-xwing-kem-06. */
export const kemPublicKeyBytes = 1216;
export const kemCiphertextBytes = 1120;
/** Ed25519, RFC 8032. */
/** KEM ciphertext, two keys of 32 bytes and a tag: docs/format/keys.md, Succession. */
export const admissionBytes: number = kemCiphertextBytes + 2 * 32 + 16;
export const signingKeyBytes = 32;
export const signatureBytes = 64;
export const digestBytes = 32;
export const nonceBytes = 32;
export const generationBytes = 16;
