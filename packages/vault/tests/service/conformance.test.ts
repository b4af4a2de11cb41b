/*
 * The vault port's conformance suite over the wire: the protocol's client, a real connection, and a site that serves with sessions in its database. Once
 * as it should be, and once where each third answer gets lost after the site has done what was asked.
 */

import { Prng, StdError } from '@twinvault/std';
import { vaultConformance } from '@twinvault/testkit';
import { clientPlace } from './client-place.ts';
import type { Between } from './client-place.ts';

vaultConformance('client and site', async () => {
  const under = await clientPlace();
  return {
    vault: await under.client(),
    labelsRepeat: true,
    again: () => under.client(),
    [Symbol.asyncDispose]: () => under[Symbol.asyncDispose](),
  };
});

const prng = new Prng('lost answers');

/** What a repetition has to answer in another way is tested in client-faults.test.ts. */
const losing: Between = async (request, send) => {
  const answer = await send(request);
  const tells = request.method === 'PUT' && /\/safes\/\w+$|\/packs\//u.test(request.url);
  if (!tells && prng.below(3) === 0) throw new StdError('network-unreachable', { context: { systemCode: 'ECONNRESET' } });
  return answer;
};

vaultConformance('client and site, over a line that breaks', async () => {
  const under = await clientPlace();
  under.between = losing;
  return {
    vault: await under.client(),
    labelsRepeat: true,
    again: () => under.client(),
    [Symbol.asyncDispose]: () => under[Symbol.asyncDispose](),
  };
});
