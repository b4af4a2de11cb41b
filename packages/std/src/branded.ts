/*
 * Branded types: a value of `Brand<T, Name>` can only come out of the one parser that makes it, so a ChunkId is never
 * passed where a PackName belongs. The brand exists for the compiler alone.
 */

declare const brand: unique symbol;

export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
