/*
 * Assertions for what only our own bug could break. What the outside world can cause is a value or a CodedError instead;
 * no condition is ever both.
 */

/** Not a CodedError on purpose: nobody handles it; the task dies loudly. */
export class AssertionFailure extends Error {
  override name = 'AssertionFailure';
}

/** Throws AssertionFailure unless the condition holds. The message must hold no path, name, key or token. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

/** For the branch that the types rule out. */
export function unreachable(value: never): never {
  throw new AssertionFailure(`unreachable branch reached with a ${typeof value}`);
}
