/*
 * A safe that was given new keys, with its successor in the same vault: two computers and three nights in the first; everything copied; both
 * admitted; the first names the second. One of them has gone on and made a safeset there; the other has not, and its key file is kept.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { currentSafe, headsOfCopies, rekey } from '@twinvault/engine';
import { certificateId, computerId } from '@twinvault/format';
import {
  admissionEntries,
  encodeAgentKeys,
  enrolHere,
  handoverEntry,
  kitText,
  makeSafe,
  revokeEntry,
  successionEntry,
  successorEntry,
} from '@twinvault/seal';
import type { AgentKeys, OpenedSafe } from '@twinvault/seal';
import { compareBytes, dayMs } from '@twinvault/std';
import { MemoryTree } from '@twinvault/testkit';
import { listFrozen } from './listing.ts';
import { frozenPassword, successorLabel } from './places.ts';
import { copyOut, SafeMaker } from './safe-maker.ts';
import type { Computer } from './safe-maker.ts';

/** The floor of a slot's parameters, so that opening costs little. */
const parameters = { passes: 3, memoryKiB: 64 * 1024, lanes: 1 };

function smallTree(night: number): MemoryTree {
  const tree = new MemoryTree();
  for (let index = 0; index < 6; index += 1)
    tree.file(`root/letter ${index}`, `night ${index < night ? night : 0}\n`.repeat(200 + index));
  tree.file(
    'root/large',
    Uint8Array.from({ length: 20_000 }, (_, index) => (index * index + (index > 15_000 ? night : 0)) % 251),
  );
  tree.file('root/sparse', new Uint8Array(100_000), { data: [] });
  tree.link('root/link', 'letter 1');
  return tree;
}

class Successor {
  readonly #maker: SafeMaker;
  opened!: OpenedSafe;
  kitText = '';

  constructor(maker: SafeMaker) {
    this.#maker = maker;
  }

  /** As `safe rekey` makes it. */
  async make(computers: readonly Computer[]): Promise<void> {
    const { platform, vault, safe, opened: before } = this.#maker;
    const { random, clock } = platform;
    const made = await makeSafe({ label: successorLabel, password: frozenPassword, suite: 1, random, clock, parameters });
    this.kitText = kitText(made.kit);
    this.opened = made.opened;
    const entries: Uint8Array[] = [];
    const add = (entry: Uint8Array): void => {
      entries.push(entry);
      this.opened = this.opened.withEntry(entry);
    };
    add(successionEntry({ opened: this.opened, clock, before }));
    const copying = enrolHere({ opened: this.opened, clock, computer: computerId(random.bytes(16)), name: 'rekey', random });
    add(copying.entry);
    const { certificate } = copying.agent;
    for (const { agent } of computers) {
      add(handoverEntry({ opened: this.opened, clock, certificate, computer: agent.computer, job: 'documents' }));
    }
    await vault.createSafe({ ...made.newSafe, ledger: [...made.newSafe.ledger, ...entries] });
    const next = await vault.openSafe(this.opened.safe);
    const { copied } = await rekey({
      from: { safe, opened: before },
      to: { safe: next, opened: this.opened },
      agent: copying.agent,
      platform,
      siteKey: (await vault.site()).publicKey,
      signal: new AbortController().signal,
    });
    const last = headsOfCopies(copied)
      .map(({ from, record }) => ({ computer: from.public.computer, job: from.public.job, record }))
      .sort((a, b) => compareBytes(a.computer, b.computer));
    const append = async (entry: Uint8Array): Promise<void> => {
      await next.appendLedger(entry);
      this.opened = this.opened.withEntry(entry);
    };
    await append(revokeEntry({ opened: this.opened, clock, certificate, last }));
    for (const { agent } of computers) {
      const of = before.ledger.certificate(agent.certificate);
      if (of === null) throw new RangeError('the computer is enrolled');
      const id = certificateId(random.bytes(16));
      for (const entry of admissionEntries({ opened: this.opened, clock, of, certificate: id }).entries) await append(entry);
    }
    await this.#maker.append(successorEntry({ opened: this.opened, clock, before }));
  }
}

/** Goes on in the successor and backs up there. */
async function follow(maker: SafeMaker, { state }: Computer, night: number): Promise<AgentKeys> {
  const { vault, safe } = maker;
  const there = await currentSafe({ vault, safe, state });
  await maker.run({ agent: there.agent, state }, smallTree(night), { vault: there.safe });
  return there.agent;
}

export async function makeSuccession(folder: string): Promise<void> {
  const maker = new SafeMaker('frozen v1 succession');
  const desk = await maker.create(1);
  const server = await maker.enrol('server');
  for (const night of [1, 2, 3]) {
    await maker.run(desk, smallTree(night));
    if (night < 3) await maker.run(server, smallTree(night + 1));
    await maker.platform.clock.advance(dayMs);
  }
  const successor = new Successor(maker);
  await successor.make([desk, server]);
  await maker.platform.clock.advance(dayMs);
  await follow(maker, server, 4);
  await copyOut(maker, join(folder, 'vault'));
  writeFileSync(join(folder, 'password'), `${frozenPassword}\n`);
  writeFileSync(join(folder, 'kit.txt'), successor.kitText);
  // Of the computer that has not gone on.
  writeFileSync(join(folder, 'desk.key'), encodeAgentKeys(desk.agent));
  const { vault, safe, opened } = maker;
  const next = { vault, safe: await vault.openSafe(successor.opened.safe), opened: successor.opened };
  for (const [file, one] of [
    ['expected.jsonl', next],
    ['expected-before.jsonl', { vault, safe, opened }],
  ] as const) {
    const lines = (await listFrozen(one)).map((safeset) => JSON.stringify(safeset));
    writeFileSync(join(folder, file), `${lines.join('\n')}\n`);
  }
}
