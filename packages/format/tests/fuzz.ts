/*
 * Runs a parser on damaged and on random bytes. A run prints its seed when it fails; FUZZ_SEED=… runs that seed again, and
 * FUZZ_RUNS=… sets how many inputs each parser gets.
 *
 * Invariants, of every parser:
 *   1. It gives an object or throws a FormatError; nothing else comes out of it.
 *   2. Bytes that it takes are the one form of what it gives: encoding that again gives the same bytes.
 *   3. It is done within `parseMsMax`, whatever counts and lengths the bytes claim.
 *   4. What it allocates is bounded by the length of its input, not by what that claims.
 */

import assert from 'node:assert/strict';
import { memoryUsage } from 'node:process';
import { concatBytes, equalBytes, Prng, toHex } from '@twinvault/std';
import { FormatError } from '../src/index.ts';

export interface FuzzTarget<T> {
  readonly name: string;
  readonly parse: (bytes: Uint8Array) => T;
  /** The bytes of what was parsed; left out where the parser does not keep all of them. */
  readonly encode?: (parsed: T) => Uint8Array;
  /** How a sample is damaged; small damages anywhere when absent. */
  readonly damage?: (sample: Uint8Array, random: Prng) => Uint8Array;
  /** Well-formed inputs, all of which must be taken. */
  readonly samples: readonly Uint8Array[];
}

/** Generous: a loaded machine is no finding, a hang is. */
const parseMsMax = 10_000;
const allocatedBytesMax = 64 * 1024 * 1024;
const runsDefault = 1500;

/** A fresh seed, or the one that FUZZ_SEED gives. */
export function fuzzSeed(): string {
  return process.env['FUZZ_SEED'] ?? String(Math.floor(Math.random() * 2 ** 32));
}

export function fuzz<T>(target: FuzzTarget<T>, seed: string = fuzzSeed()): void {
  const random = new Prng(`${seed}/${target.name}`);
  const runs = Number(process.env['FUZZ_RUNS'] ?? runsDefault);
  for (const sample of target.samples) assert.ok(attempt(target, sample, seed), `${target.name}: a sample is refused`);
  for (const sample of target.samples) {
    for (let length = 0; length < Math.min(sample.length, 200); length += 1) attempt(target, sample.slice(0, length), seed);
  }
  const { damage = damaged } = target;
  const before = allocated();
  for (let run = 0; run < runs; run += 1) {
    const sample = random.pick(target.samples);
    attempt(target, random.chance(0.1) ? random.bytes(random.below(300)) : damage(sample, random), seed);
  }
  assert.ok(allocated() - before < allocatedBytesMax, `${target.name}: too much memory (seed ${seed})`);
}

function allocated(): number {
  const { arrayBuffers, external } = memoryUsage();
  return arrayBuffers + external;
}

/** True when the bytes were taken. */
function attempt<T>(target: FuzzTarget<T>, bytes: Uint8Array, seed: string): boolean {
  const input = bytes.slice();
  const context = (): string => `${target.name}, seed ${seed}, bytes ${toHex(bytes.subarray(0, 4000))}`;
  const start = performance.now();
  let parsed: T;
  try {
    parsed = target.parse(input);
  } catch (error) {
    assert.ok(error instanceof FormatError, `${String(error)} out of ${context()}`);
    assert.ok(performance.now() - start < parseMsMax, `slow refusal: ${context()}`);
    return false;
  }
  assert.ok(performance.now() - start < parseMsMax, `slow: ${context()}`);
  assert.ok(equalBytes(input, bytes), `input changed: ${context()}`);
  if (target.encode) assert.ok(equalBytes(target.encode(parsed), bytes), `another form was taken: ${context()}`);
  return true;
}

/** One to three small damages of the kinds that storage, networks and adversaries make. */
export function damaged(sample: Uint8Array, random: Prng): Uint8Array {
  let bytes: Uint8Array = sample.slice();
  for (let count = random.between(1, 3); count > 0; count -= 1) bytes = damagedOnce(bytes, random);
  return bytes;
}

function damagedOnce(bytes: Uint8Array, random: Prng): Uint8Array {
  if (bytes.length === 0) return random.bytes(random.below(40));
  const offset = random.chance(0.3) ? random.below(Math.min(bytes.length, 48)) : random.below(bytes.length);
  const rest = bytes.length - offset;
  const length = Math.min(random.chance(0.7) ? random.between(1, 8) : random.between(1, 64), rest);
  switch (random.below(7)) {
    case 0:
      bytes[offset] = (bytes[offset] ?? 0) ^ (1 << random.below(8));
      return bytes;
    case 1:
      bytes[offset] = random.below(256);
      return bytes;
    case 2:
      // Lengths and counts at their edges.
      bytes.set(random.pick(edges).subarray(0, rest), offset);
      return bytes;
    case 3:
      return bytes.slice(0, offset);
    case 4:
      return concatBytes(bytes.subarray(0, offset), bytes.subarray(offset + length));
    case 5:
      return concatBytes(bytes.subarray(0, offset), random.bytes(length), bytes.subarray(offset));
    default:
      return concatBytes(bytes.subarray(0, offset + length), bytes.subarray(offset));
  }
}

const edges: readonly Uint8Array[] = [
  new Uint8Array([0xff, 0xff, 0xff, 0xff]),
  new Uint8Array([0xff, 0xff, 0xff, 0x7f]),
  new Uint8Array([0, 0, 0, 0]),
  new Uint8Array([1, 0, 0, 0]),
  new Uint8Array([0, 0, 1, 0]),
  new Uint8Array([0, 0, 0, 2]),
  new Uint8Array([0x9a, 0xff, 0xff, 0xff, 0xff]),
  new Uint8Array([0xbb, 0, 0, 0, 1, 0, 0, 0, 0]),
  new Uint8Array([0x5b, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  new Uint8Array([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x0f]),
];
