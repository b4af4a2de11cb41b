/**
 * Other processes of this machine as a port: whoever left a claim behind (a lease, a lock) can be told to be gone for certain,
 * so that nobody waits for the claim to lapse.
 */
export interface Processes {
  /** Names this process among all that ever ran anywhere: digits, letters, "." and ":". Empty where that cannot be told. */
  readonly self: string;
  /** True only when it is certain: same machine, same boot, and no such process any more. False for anything else, '' included. */
  isGone(name: string): boolean;
}
