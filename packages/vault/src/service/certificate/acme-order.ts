/*
 * One order of a certificate (RFC 8555 section 7.4): account, order, challenge, request, certificate. The library speaks the protocol; what is
 * waited for, and how long, is here. An account is found by its key, so nothing but the keys has to be kept.
 */

import type { Authorization, Client, Order } from 'acme-client';
import type { Clock, Network, Timers } from '@twinvault/std';
import { minuteMs, secondMs } from '@twinvault/std';
import { VaultError } from '../../errors.ts';
import type { AcmeAnswers } from './acme-answers.ts';
import { AcmeTransport, problemOf } from './acme-transport.ts';

export interface AcmeOrder {
  /** Address of the authority's directory. */
  readonly directory: string;
  /** The name that the certificate is for. */
  readonly host: string;
  /** Of the account, PEM. */
  readonly accountKey: string;
  /** Of the certificate, PEM. */
  readonly key: string;
  /** Address of mail. */
  readonly contact: string | null;
  /** `key`: base64url, as the authority tells it. */
  readonly externalAccount: { readonly id: string; readonly key: string } | null;
}

export interface AcmePorts {
  readonly network: Network;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly answers: AcmeAnswers;
}

const pollMs: number = 2 * secondMs;
const orderMsMax: number = 10 * minuteMs;

/** The chain, PEM. `acme-failed` with what the authority said; what the network throws; the signal's reason. */
export async function orderCertificate(order: AcmeOrder, ports: AcmePorts, signal: AbortSignal): Promise<string> {
  const transport = new AcmeTransport(ports.network, signal);
  try {
    return await carryOut(order, { ...ports, transport, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw transport.failure(error);
  }
}

interface Running extends AcmePorts {
  readonly transport: AcmeTransport;
  readonly signal: AbortSignal;
}

async function carryOut(wanted: AcmeOrder, running: Running): Promise<string> {
  const { directory, host, accountKey, key, contact, externalAccount } = wanted;
  const { default: acme } = await import('acme-client');
  // The library has one way to its authorities for the whole process.
  acme.axios.defaults.adapter = (request) => running.transport.send(request);
  const client = new acme.Client({
    directoryUrl: directory,
    accountKey,
    ...(externalAccount === null ? {} : { externalAccountBinding: { kid: externalAccount.id, hmacKey: externalAccount.key } }),
  });
  await enter(client, contact, running);
  const order = await client.createOrder({ identifiers: [{ type: 'dns', value: host }] });
  for (const authorization of await client.getAuthorizations(order)) await answerChallenge(client, authorization, running);
  await reached(client, order, { states: ['ready', 'valid'], running });
  const [, request] = await acme.crypto.createCsr({ commonName: host, altNames: [host] }, key);
  await client.finalizeOrder(order, request);
  return await client.getCertificate(await reached(client, order, { states: ['valid'], running }));
}

/** Finds the account of the key, or opens one. The library would send an existing one an update that changes nothing, which some authorities refuse. */
async function enter(client: Client, contact: string | null, { transport }: Running): Promise<void> {
  try {
    await client.createAccount({ onlyReturnExisting: true });
  } catch (error) {
    if (!transport.refused('accountDoesNotExist')) throw error;
    await client.createAccount({ termsOfServiceAgreed: true, ...(contact === null ? {} : { contact: [`mailto:${contact}`] }) });
  }
}

async function answerChallenge(client: Client, { status, challenges }: Authorization, { answers }: Running): Promise<void> {
  if (status === 'valid') return;
  const challenge = challenges.find(({ type }) => type === 'http-01');
  if (challenge === undefined) {
    throw new VaultError('acme-failed', { context: { detail: 'it does not let the name be proven over HTTP (http-01)' } });
  }
  answers.answer(challenge.token, await client.getChallengeKeyAuthorization(challenge));
  await client.completeChallenge(challenge);
}

interface Awaited {
  readonly states: readonly Order['status'][];
  readonly running: Running;
}

/** Looks at the order until it is in one of the states. */
async function reached(client: Client, order: Order, { states, running }: Awaited): Promise<Order> {
  const { clock, timers, signal } = running;
  const startMs = clock.monotonicMs();
  for (;;) {
    const found = await client.getOrder(order);
    if (states.includes(found.status)) return found;
    if (found.status === 'invalid') throw await refusal(client, found);
    if (clock.monotonicMs() - startMs > orderMsMax) {
      throw new VaultError('acme-failed', { context: { detail: `its order was still "${found.status}" after 10 minutes` } });
    }
    await timers.sleep(pollMs, signal);
  }
}

/** Why an order is invalid: its challenges say more than it does itself. */
async function refusal(client: Client, order: Order): Promise<VaultError> {
  const authorizations = await client.getAuthorizations(order);
  const errors = authorizations.flatMap(({ challenges }) => challenges.map(({ error }) => error));
  const error = errors.find((found) => found !== undefined) ?? order.error;
  return new VaultError('acme-failed', { context: { detail: 'its order is invalid', ...problemOf(error) } });
}
