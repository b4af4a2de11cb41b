/* Runs the same step on many items, several at once, and keeps the order of the results. */

/** At most `width` steps run at a time; the first error stops the rest from starting and is thrown. */
export async function concurrently<T, R>(items: readonly T[], width: number, step: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let failed = false;
  const run = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const index = next;
      next += 1;
      try {
        results[index] = await step(items[index] as T);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, run));
  return results;
}
