/* Many long random lives of a vault, see simulation.ts. */

import { test } from 'node:test';
import { Simulation } from './simulation.ts';

const livesMax = 200;
const stepsMax = 400;

test('many random lives of a vault keep every promise', async () => {
  for (let index = 0; index < livesMax; index += 1) {
    const simulation = new Simulation(`long life ${index}`);
    try {
      await simulation.run(stepsMax);
    } catch (error) {
      throw new Error(`seed "long life ${index}": ${String(error)}\n${simulation.log.join('\n')}`, { cause: error });
    }
  }
});
