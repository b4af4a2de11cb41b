export { formatVectors } from './format-vectors.ts';
export { sealedVectors } from './sealed-vectors.ts';
export { hexOf, isValid } from './vector.ts';
export type { Hex, InvalidVector, Plain, ValidVector, Vector, VectorFile } from './vector.ts';
