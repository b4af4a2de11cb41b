/* The client of a site holds the vault port's conformance suite, over a site in memory, and also where each third answer gets lost. */

import { Prng } from '@twinvault/std';
import { settle, vaultConformance, type MemoryHandler } from '@twinvault/testkit';
import { remoteSite } from './remote-site.ts';

vaultConformance('over the wire', async () => {
  const site = await remoteSite();
  return { vault: await site.client(), again: () => site.client(), [Symbol.asyncDispose]: () => site[Symbol.asyncDispose]() };
});

const prng = new Prng('lost answers');

/** The site has done what was asked; nobody hears of it. What a repetition has to answer in another way is tested in faults.test.ts. */
function losing(handler: MemoryHandler): MemoryHandler {
  return async (request) => {
    const answer = await handler(request);
    const tells = request.method === 'PUT' && /\/safes\/\w+$|\/packs\//u.test(request.url.pathname);
    if (!tells && prng.below(3) === 0) throw new Error('lost');
    return answer;
  };
}

vaultConformance('over a line that breaks', async () => {
  const site = await remoteSite();
  const { platform } = site;
  const timers = { sleep: settle, every: platform.clock.every.bind(platform.clock) };
  const ports = { ...platform, timers };
  site.between(losing);
  return {
    vault: await site.client({ ports }),
    again: () => site.client({ ports }),
    [Symbol.asyncDispose]: () => site[Symbol.asyncDispose](),
  };
});
