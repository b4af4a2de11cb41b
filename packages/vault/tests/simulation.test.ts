/* Random lives of a vault, see simulation.ts. A failure names its seed and the steps that led to it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deletionsOf, Simulation } from './simulation.ts';

test('random lives of a vault keep every promise', async () => {
  let deletions = 0;
  for (let index = 0; index < 6; index += 1) {
    const simulation = new Simulation(`life ${index}`);
    try {
      await simulation.run(150);
    } catch (error) {
      throw new Error(`seed "life ${index}": ${String(error)}\n${simulation.log.join('\n')}`, { cause: error });
    }
    deletions += deletionsOf(simulation);
  }
  assert.ok(deletions > 5, String(deletions));
});
