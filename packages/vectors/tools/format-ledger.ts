/* Vectors of ledger entries: form, chain, rights and what replay refuses. */

import { encodeCbor, recordDigest, safeIdOf, successionMessage } from '@twinvault/format';
import type { CborValue, FormatErrorCode, LedgerPayload } from '@twinvault/format';
import type { VectorFile } from '../src/vector.ts';
import { Collector } from './collect.ts';
import {
  agent,
  certificate,
  Chain,
  computer,
  createdMs,
  customer,
  doubleSigned,
  entryOf,
  epochPayload,
  fill,
  operator1,
  operator2,
  otherCertificate,
  otherComputer,
  root,
  safe,
  signedObject,
  site,
  siteName,
  smallChain,
  stranger,
} from './world.ts';
import type { Signer } from './world.ts';

const record = recordDigest(fill('record', 32));
const homePayload = { kind: 'home', epoch: 1, site: siteName, other: new Uint8Array(64) } as const;
const erasePayload = { kind: 'erase', order: fill('order', 32), other: null } as const;
const last = [
  { computer, job: 'documents', record },
  { computer, job: 'mail', record: recordDigest(fill('record 2', 32)) },
];

/** Epoch, certificate, and everybody who may sign. */
function fullChain(): Chain {
  const chain = smallChain();
  const parties = [
    ['party site', site, 'site'],
    ['party operator 1', operator1, 'operator'],
    ['party operator 2', operator2, 'operator'],
    ['party customer', customer, 'customer'],
  ] as const;
  for (const [name, { key }, role] of parties) chain.put(name, { kind: 'party', key, name, role });
  return chain;
}

/** Its minimum suite is 2. */
function raisedChain(): Chain {
  return smallChain().put('minimum suite 2', { kind: 'suite', minimum: 2 });
}

/** Of the safe before; `by` signs in its stead. */
function successionOf(before: Signer, by: Signer = before): LedgerPayload {
  const safeBefore = safeIdOf(before.key);
  return { kind: 'succession', safe: safeBefore, root: before.key, signature: by.sign(successionMessage(safeBefore, root.key)) };
}

/** The safe that follows. */
function successorOf(next: Signer): LedgerPayload {
  const ledger = { number: 7, digest: fill('head', 32), root: fill('root head', 32) };
  return { kind: 'successor', safe: safeIdOf(next.key), root: next.key, ledger };
}

const valid: readonly (readonly [string, LedgerPayload, Signer])[] = [
  ['epoch 2', { kind: 'epoch', epoch: 2, key: fill('epoch 2', 1216) }, root],
  ['one slot', { kind: 'slots', slots: [fill('slot 1', 32)] }, root],
  ['sixteen slots', { kind: 'slots', slots: Array.from({ length: 16 }, (_, index) => fill(`slot ${index}`, 32)) }, root],
  [
    'another certificate',
    {
      kind: 'certificate',
      certificate: otherCertificate,
      computer: otherComputer,
      name: 'Büro',
      agentKey: stranger.key,
      sealKey: fill('seal 2', 1216),
    },
    root,
  ],
  ['revocation', { kind: 'revocation', certificate, last, suspect: [fill('session name', 32)] }, root],
  ['revocation of everything', { kind: 'revocation', certificate, last: [], suspect: [] }, root],
  ['handover', { kind: 'handover', certificate, computer: otherComputer, job: 'mail' }, root],
  ['escrow', { kind: 'escrow', key: fill('escrow', 1216), name: 'notary' }, root],
  ['succession', successionOf(stranger), root],
  ['admission', { kind: 'admission', certificate, package: fill('admission', 1200) }, root],
  ['successor', successorOf(stranger), root],
  ['party', { kind: 'party', key: stranger.key, name: 'new', role: 'operator' }, root],
  ['suite', { kind: 'suite', minimum: 2 }, root],
  ['feature off', { kind: 'feature', name: 'later', on: false }, root],
  ['feature on', { kind: 'feature', name: 'later', on: true }, root],
  ['retention by an operator', { kind: 'retention', type: 'standard', copies: 30, days: 90, intraday: false }, operator1],
  ['retention by the customer', { kind: 'retention', type: 'hourly', copies: 0, days: 0, intraday: true }, customer],
  ['hold', { kind: 'hold', note: 'court', on: true, record }, customer],
  ['lock', { kind: 'lock', note: '', on: true, record }, operator2],
  ['flag', { kind: 'flag', note: 'x'.repeat(4096), on: false, record }, operator1],
  ['erase by the root', erasePayload, root],
];

export function ledgerVectors(): VectorFile {
  const about =
    'Ledger entries (TVLE). The bytes are appended to the ledger of context.descriptor and context.entries. ' +
    'Value: the entry and the head after it.';
  const full = fullChain();
  const collector = new Collector({
    parser: 'ledger',
    about,
    shared: {
      ...fullChain().put('revocation', { kind: 'revocation', certificate, last: [], suspect: [] }).shared(),
      ...fullChain().put('successor', successorOf(stranger)).shared(),
      ...raisedChain().shared(),
      ...smallChain(2).shared(),
    },
  });
  const empty = new Chain();
  collector.valid('first entry', entryOf(empty.ledger, epochPayload), empty.context());
  const context = full.context();
  for (const [name, payload, by] of valid) collector.valid(name, entryOf(full.ledger, payload, by), context);
  collector
    .valid('home by two operators', doubleSigned(full.ledger, homePayload, [operator1, operator2]), context)
    .valid('erase by two operators', doubleSigned(full.ledger, erasePayload, [operator2, operator1]), context);
  addRights(collector, full);
  addConflicts(collector, full);
  addChain(collector, full);
  addForms(collector, full);
  addSuites(collector);
  return collector.finish();
}

function addRights(collector: Collector, chain: Chain): void {
  const { ledger } = chain;
  const context = chain.context();
  const refused = (name: string, bytes: Uint8Array, defect: string): void => {
    collector.invalid(name, bytes, { code: 'ledger-signer', defect, context });
  };
  const rootAlone: readonly (readonly [string, LedgerPayload])[] = [
    ['epoch', { kind: 'epoch', epoch: 2, key: fill('epoch 2', 1216) }],
    ['slots', { kind: 'slots', slots: [fill('slot 1', 32)] }],
    ['revocation', { kind: 'revocation', certificate, last: [], suspect: [] }],
    ['handover', { kind: 'handover', certificate, computer: otherComputer, job: 'mail' }],
    ['escrow', { kind: 'escrow', key: fill('escrow', 1216), name: 'notary' }],
    ['party', { kind: 'party', key: operator1.key, name: 'me', role: 'customer' }],
    ['suite', { kind: 'suite', minimum: 1 }],
    ['feature', { kind: 'feature', name: 'later', on: true }],
  ];
  for (const [kind, payload] of rootAlone) {
    refused(`${kind} by an operator`, entryOf(ledger, payload, operator1), 'the root alone signs this kind');
  }
  const retention: LedgerPayload = { kind: 'retention', type: 'standard', copies: 1, days: 1, intraday: false };
  refused('retention by the root', entryOf(ledger, retention), 'neither operator nor customer');
  refused('retention by a site', entryOf(ledger, retention, site), 'neither operator nor customer');
  refused('retention by an agent', entryOf(ledger, retention, agent), 'neither operator nor customer');
  const hold: LedgerPayload = { kind: 'hold', note: '', on: true, record };
  refused('succession signed by another', entryOf(ledger, successionOf(stranger, operator1)), 'not signed by the safe before');
  refused('succession by an operator', entryOf(ledger, successionOf(stranger), operator1), 'the root alone signs this kind');
  refused('successor by an operator', entryOf(ledger, successorOf(stranger), operator1), 'the root alone signs this kind');
  const admission: LedgerPayload = { kind: 'admission', certificate, package: fill('admission', 1200) };
  refused('admission by the computer', entryOf(ledger, admission, agent), 'the root alone signs this kind');
  refused('hold by a stranger', entryOf(ledger, hold, stranger), 'neither operator nor customer');
  refused('home with an empty second signature', entryOf(ledger, homePayload, operator1), 'no second operator');
  refused('home twice by one operator', doubleSigned(ledger, homePayload, [operator1, operator1]), 'no second operator');
  refused('home by an operator and a customer', doubleSigned(ledger, homePayload, [operator1, customer]), 'no second operator');
  refused('home by a customer and an operator', doubleSigned(ledger, homePayload, [customer, operator1]), 'not an operator');
  refused('home by the root and an operator', doubleSigned(ledger, homePayload, [root, operator1]), 'not an operator');
  const another = doubleSigned(ledger, { ...homePayload, epoch: 2 }, [operator1, operator2]);
  const borrowed = another.slice(another.length - 64);
  refused(
    'home with the second signature of another entry',
    entryOf(ledger, { ...homePayload, other: borrowed }, operator1),
    'no second operator',
  );
  refused('erase by one operator', entryOf(ledger, erasePayload, operator1), 'no second operator');
  refused('erase by a customer', entryOf(ledger, erasePayload, customer), 'not an operator');
  refused(
    'erase by the root with a second signature',
    doubleSigned(ledger, erasePayload, [root, operator1]),
    'a second signature beside the root',
  );
}

function addConflicts(collector: Collector, full: Chain): void {
  const refused = (name: string, payload: LedgerPayload, defect: string): void => {
    const bytes = entryOf(full.ledger, payload);
    collector.invalid(name, bytes, { code: 'ledger-conflict', defect, context: full.context() });
  };
  refused('epoch that is there', epochPayload, 'epoch does not follow');
  refused('epoch left out', { kind: 'epoch', epoch: 3, key: fill('epoch 3', 1216) }, 'epoch does not follow');
  const twin = { certificate, computer: otherComputer, name: 'twin', agentKey: stranger.key, sealKey: fill('seal 2', 1216) };
  refused('certificate id twice', { kind: 'certificate', ...twin }, 'certificate twice');
  const unknown = { certificate: otherCertificate };
  refused('revocation of no certificate', { kind: 'revocation', ...unknown, last: [], suspect: [] }, 'certificate not known');
  refused('handover to no certificate', { kind: 'handover', ...unknown, computer, job: 'mail' }, 'certificate not known');
  const sealedKeys = fill('admission', 1200);
  refused('admission to no certificate', { kind: 'admission', ...unknown, package: sealedKeys }, 'certificate not known');
  refused('its own successor', successorOf(root), 'its own successor');
  const handover: LedgerPayload = { kind: 'handover', certificate, computer: otherComputer, job: 'mail' };
  const revocation: LedgerPayload = { kind: 'revocation', certificate, last: [], suspect: [] };
  const revoked = fullChain().put('revocation', revocation);
  const after = { code: 'ledger-conflict', defect: 'certificate revoked before', context: revoked.context() } as const;
  collector.invalid('revocation twice', entryOf(revoked.ledger, revocation), after);
  collector.invalid('handover to a revoked certificate', entryOf(revoked.ledger, handover), after);
  const admission: LedgerPayload = { kind: 'admission', certificate, package: sealedKeys };
  collector.invalid('admission to a revoked certificate', entryOf(revoked.ledger, admission), after);
  const left = fullChain().put('successor', successorOf(stranger));
  collector.invalid('successor twice', entryOf(left.ledger, successorOf(operator1)), {
    code: 'ledger-conflict',
    defect: 'successor twice',
    context: left.context(),
  });
  const home = doubleSigned(full.ledger, { ...homePayload, epoch: 2 }, [operator1, operator2]);
  const context = full.context();
  collector.invalid('home epoch left out', home, { code: 'ledger-conflict', defect: 'home epoch does not follow', context });
}

function addSuites(collector: Collector): void {
  const lower: LedgerPayload = { kind: 'suite', minimum: 1 };
  const same: LedgerPayload = { kind: 'suite', minimum: 2 };
  const defect = 'minimum suite goes down';
  for (const [name, chain] of [
    ['the one in force', raisedChain()],
    ['the descriptor’s', smallChain(2)],
  ] as const) {
    const context = chain.context();
    collector.valid(`minimum suite as ${name}`, entryOf(chain.ledger, same), context);
    collector.invalid(`minimum suite below ${name}`, entryOf(chain.ledger, lower), { code: 'ledger-conflict', defect, context });
  }
}

function addChain(collector: Collector, chain: Chain): void {
  const { ledger } = chain;
  const context = chain.context();
  const body = {
    created: createdMs,
    kind: 'suite',
    number: ledger.head.number + 1,
    payload: { minimum: 2 },
    previous: ledger.head.digest,
    root: ledger.head.root,
    safe,
    signer: root.key,
  };
  const refused = (
    name: string,
    changes: Record<string, CborValue>,
    [code, defect]: readonly [FormatErrorCode, string?],
  ): void => {
    const bytes = signedObject('ledger', { ...body, ...changes }, root);
    collector.invalid(name, bytes, { code, context, ...(defect !== undefined && { defect }) });
  };
  refused('number that is taken', { number: ledger.head.number }, ['ledger-broken', 'number does not follow']);
  refused('number left out', { number: ledger.head.number + 2 }, ['ledger-broken', 'number does not follow']);
  refused('another previous entry', { previous: ledger.headAt(1).digest }, ['ledger-broken', 'previous is another entry']);
  refused('another root entry', { root: ledger.headAt(1).root }, ['ledger-broken', 'root is another entry']);
  refused('of another safe', { safe: fill('safe', 16) }, ['safe-mismatch', 'ledger entry of another safe']);
  refused('signer named is not who signed', { signer: operator1.key }, ['signature-invalid', 'ledger']);
  refused('number zero', { number: 0 }, ['object-invalid', 'number zero']);
  refused('unknown kind', { kind: 'gift' }, ['object-invalid', 'value of a key']);
  refused('unknown key', { note: '' }, ['object-invalid', 'unknown key']);
  refused('payload is a list', { payload: [2] }, ['object-invalid', 'not a map']);
}

function addForms(collector: Collector, chain: Chain): void {
  const { ledger } = chain;
  const context = chain.context();
  const refused = (
    name: string,
    [kind, payload]: readonly [string, Record<string, CborValue>],
    defect = 'value of a key',
  ): void => {
    const body = {
      created: createdMs,
      kind,
      number: ledger.head.number + 1,
      payload,
      previous: ledger.head.digest,
      root: ledger.head.root,
      safe,
      signer: root.key,
    };
    const bytes = signedObject('ledger', encodeCbor(body), root);
    collector.invalid(name, bytes, { code: 'object-invalid', defect, context });
  };
  const slots = Array.from({ length: 17 }, (_, index) => fill(`slot ${index}`, 32));
  refused('epoch zero', ['epoch', { epoch: 0, key: fill('e', 1216) }], 'epoch zero');
  refused('epoch of 33 bits', ['epoch', { epoch: 2 ** 32, key: fill('e', 1216) }]);
  refused('KEM key of 1,215 bytes', ['epoch', { epoch: 2, key: fill('e', 1215) }]);
  refused('no slots', ['slots', { slots: [] }], 'no slots');
  refused('seventeen slots', ['slots', { slots }]);
  refused('slot twice', ['slots', { slots: [slots[0] ?? null, slots[0] ?? null] }], 'slot twice');
  refused('slot digest of 31 bytes', ['slots', { slots: [fill('s', 31)] }]);
  const named = { agent: agent.key, certificate: otherCertificate, computer, name: '', seal: fill('s', 1216) };
  refused('certificate without a name', ['certificate', named]);
  refused('certificate of a name of 257 bytes', ['certificate', { ...named, name: 'x'.repeat(257) }]);
  const jobs = last.map(({ computer: of, job, record: digest }) => [of, job, digest]);
  const revocation = { certificate, last: jobs, suspect: [] };
  refused('last records not sorted', ['revocation', { ...revocation, last: jobs.toReversed() }], 'last records not sorted');
  refused(
    'last record twice',
    ['revocation', { ...revocation, last: [jobs[0] ?? [], jobs[0] ?? []] }],
    'last records not sorted',
  );
  refused('last record without a job', ['revocation', { ...revocation, last: [[computer, '', record]] }], 'last record');
  refused('last record with four items', ['revocation', { ...revocation, last: [[computer, 'mail', record, 1]] }], 'last record');
  refused('last records by job alone', ['revocation', { ...revocation, last: { mail: record } }]);
  const session = fill('session name', 32);
  refused('suspect session twice', ['revocation', { ...revocation, suspect: [session, session] }], 'session twice');
  refused('unknown role', ['party', { key: agent.key, name: 'x', role: 'root' }]);
  refused('minimum suite 3', ['suite', { minimum: 3 }]);
  refused('feature neither on nor off', ['feature', { name: 'later', on: 1 }]);
  refused('note of 4,097 bytes', ['hold', { note: 'x'.repeat(4097), on: true, record }]);
  refused('unknown key in a payload', ['suite', { minimum: 2, maximum: 2 }], 'unknown key');
  refused('key missing in a payload', ['feature', { name: 'later' }], 'key missing');
  refused('home without a second signature', ['home', { epoch: 1, site: siteName }], 'key missing');
  refused('admission of 1,199 bytes', ['admission', { certificate, package: fill('admission', 1199) }]);
  const next = { ledger: { digest: fill('head', 32), number: 7, root: fill('root head', 32) }, root: stranger.key };
  refused('successor of another root', ['successor', { ...next, safe: fill('safe', 16) }], 'safe of another root');
  const following = { ...next, safe: safeIdOf(stranger.key) };
  refused('successor without a head', ['successor', { ...following, ledger: { number: 7 } }], 'key missing');
  refused('successor with more in its head', ['successor', { ...following, ledger: { ...next.ledger, more: 1 } }], 'unknown key');
}
