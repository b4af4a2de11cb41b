/* Vectors of erase orders, and of their names. */

import { encodeEraseOrder, eraseOrderName, eraseSecondMessage } from '@twinvault/format';
import type { CborValue, EraseOrder, FormatErrorCode } from '@twinvault/format';
import type { VectorFile } from '../src/vector.ts';
import { Collector } from './collect.ts';
import {
  computer,
  createdMs,
  customer,
  doubleSigned,
  entryOf,
  fill,
  operator1,
  operator2,
  root,
  safe,
  signedObject,
  smallChain,
  stranger,
} from './world.ts';
import type { Chain, Signer } from './world.ts';

const jobs = [
  { computer, job: 'documents' },
  { computer, job: 'mail' },
];
const order: EraseOrder = { safe, number: 1, createdMs, jobs: null, signer: root.key, other: null };

function double(changes: Partial<EraseOrder>, [first, second]: readonly [Signer, Signer]): Uint8Array {
  const single = { ...order, ...changes, signer: first.key };
  return encodeEraseOrder({ ...single, other: second.sign(eraseSecondMessage(single)) }, first.sign);
}

/** What a name is made of, and what it is not. */
export function eraseNameVectors(): VectorFile {
  const about = 'Names of erase orders (TVEO): what the ledger, orders that take back and certificates call them.';
  const collector = new Collector({ parser: 'erase-name', about });
  const cancels = eraseOrderName(order);
  return collector
    .valid('whole safe by the root', encodeEraseOrder(order, root.sign))
    .valid('jobs by the root', encodeEraseOrder({ ...order, jobs }, root.sign))
    .valid('by two operators', double({}, [operator1, operator2]))
    .valid('the same by another second operator', double({}, [operator1, stranger]))
    .valid('the same with the signers in the other order', double({}, [operator2, operator1]))
    .valid('the first of these taken back', encodeEraseOrder({ ...order, cancels }, root.sign))
    .finish();
}

/** The ledger goes on: it names an order of two operators, then one of them leaves and another comes. */
function goOn(chain: Chain): Uint8Array {
  const named = { ...order, jobs, signer: operator1.key };
  const payload = { kind: 'erase', order: eraseOrderName(named), other: null } as const;
  chain.putBytes('erase', doubleSigned(chain.ledger, payload, [operator1, operator2]));
  chain.put('operator 2 removed', { kind: 'party', key: operator2.key, name: 'two', role: 'site' });
  chain.put('operator 3', { kind: 'party', key: stranger.key, name: 'three', role: 'operator' });
  return payload.order;
}

export function eraseVectors(): VectorFile {
  const about = 'Erase orders (TVEO), checked against the ledger of context.descriptor and context.entries.';
  const chain = smallChain();
  for (const [name, { key }, role] of [
    ['party operator 1', operator1, 'operator'],
    ['party operator 2', operator2, 'operator'],
    ['party customer', customer, 'customer'],
  ] as const) {
    chain.putBytes(name, entryOf(chain.ledger, { kind: 'party', key, name, role }));
  }
  const context = chain.context();
  const named = goOn(chain);
  const collector = new Collector({ parser: 'erase', about, shared: chain.shared() });
  collector
    .valid('whole safe by the root', encodeEraseOrder(order, root.sign), context)
    .valid('jobs by the root', encodeEraseOrder({ ...order, jobs }, root.sign), context)
    .valid('jobs by two operators', double({ jobs }, [operator1, operator2]), context)
    .valid('an order taken back by the root', encodeEraseOrder({ ...order, cancels: fill('order', 32) }, root.sign), context);
  const refused = (name: string, bytes: Uint8Array, [code, defect]: readonly [FormatErrorCode, string]): void => {
    collector.invalid(name, bytes, { code, defect, context });
  };
  const single = encodeEraseOrder({ ...order, signer: operator1.key }, operator1.sign);
  refused('one operator', single, ['ledger-signer', 'not an operator']);
  refused('one operator twice', double({}, [operator1, operator1]), ['ledger-signer', 'no second operator']);
  refused('an operator and a customer', double({}, [operator1, customer]), ['ledger-signer', 'no second operator']);
  refused('a customer and an operator', double({}, [customer, operator1]), ['ledger-signer', 'not an operator']);
  refused('root and an operator', double({}, [root, operator1]), ['ledger-signer', 'a second signature beside the root']);
  const other = { ...order, safe: fill('safe', 16) as typeof safe };
  refused('of another safe', encodeEraseOrder(other, root.sign), ['safe-mismatch', 'erase order of another safe']);
  const body: Record<string, CborValue> = { created: createdMs, jobs: null, number: 1, safe, signer: root.key };
  refused('signed by another key', signedObject('erase', body, stranger), ['signature-invalid', 'erase']);
  const form = (name: string, changes: Record<string, CborValue>, defect: string): void => {
    refused(name, signedObject('erase', { ...body, ...changes }, root), ['object-invalid', defect]);
  };
  const pairs = jobs.map(({ computer: of, job }) => [of, job]);
  form('no jobs', { jobs: [] }, 'no jobs');
  form('jobs not sorted', { jobs: pairs.toReversed() }, 'jobs not sorted');
  form('job twice', { jobs: [pairs[0] ?? [], pairs[0] ?? []] }, 'jobs not sorted');
  form('job with three items', { jobs: [[computer, 'documents', 1]] }, 'job to erase');
  form('job without a name', { jobs: [[computer, '']] }, 'job to erase');
  form('job without a computer', { jobs: [['documents']] }, 'job to erase');
  form('jobs in what takes an order back', { cancels: fill('order', 32), jobs: pairs }, 'jobs in what takes an order back');
  form('digest of 31 bytes', { cancels: fill('order', 31) }, 'value of a key');
  form('second signature of 63 bytes', { other: fill('o', 63) }, 'value of a key');
  form('unknown key', { reason: 'law' }, 'unknown key');
  laterVectors(collector, chain, named);
  return collector.finish();
}

/** Operators are those of the moment at which the ledger named the order; who takes back may have come since. */
function laterVectors(collector: Collector, chain: Chain, cancels: Uint8Array): void {
  const context = chain.context();
  const [defect, code] = ['no second operator', 'ledger-signer'] as const;
  collector
    .valid('by one who was an operator when it was named', double({ jobs }, [operator1, operator2]), context)
    .valid('taken back by one who was an operator when it was named', double({ cancels }, [operator1, operator2]), context)
    .valid('taken back by one who became an operator since', double({ cancels }, [operator1, stranger]), context)
    .invalid('by one who became an operator since', double({ jobs }, [operator1, stranger]), { code, defect, context })
    .invalid('not named, by one who is no operator any more', double({}, [operator1, operator2]), { code, defect, context })
    .invalid(
      'what takes back another, by one who is no operator any more',
      double({ cancels: fill('order', 32) }, [operator1, operator2]),
      {
        code,
        defect,
        context,
      },
    );
}
