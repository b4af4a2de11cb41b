/*
 * A safeset with what no run on Linux writes and the format has: Windows attributes, streams (one with a rope), times of access and birth, ACLs of other
 * systems. It is put together by hand, from seal's parts, as an agent on Windows would.
 */

import { encodeRecord, packKinds, parseRecord, recordPublicDigest, RefsBuilder, safesetId } from '@twinvault/format';
import type { ChunkId, PackKind, RecordPublic } from '@twinvault/format';
import {
  CatalogWriter,
  chunkSecret,
  encodePayload,
  kindKeys,
  newSealingSession,
  PackBuilder,
  sealRecordPart,
} from '@twinvault/seal';
import type { AgentKeys, CatalogEntry, Extent, SealingSession } from '@twinvault/seal';
import { primitives, utf8Encode } from '@twinvault/std';
import type { Clock, Random } from '@twinvault/std';
import type { SiteSafe } from '@twinvault/vault';

export interface WindowsRun {
  readonly safe: SiteSafe;
  readonly agent: AgentKeys;
  readonly random: Random;
  readonly clock: Clock;
}

const job = 'windows';

export async function windowsRun({ safe, agent, random, clock }: WindowsRun): Promise<void> {
  const { certificate, computer, suite } = agent;
  const kem = agent.kem;
  const session = newSealingSession({ kem, suite, safe: agent.safe, certificate, random });
  const packs = new Packs(session, agent, random);
  const writer = new CatalogWriter({
    cutterKey: kindKeys(agent.writeSecret, packKinds.catalog).cutterKey,
    sink: { put: (plaintext) => packs.put(packKinds.catalog, plaintext) },
  });
  for (const entry of entriesOf(packs)) writer.add(entry);
  const { root, level } = writer.finish();
  const vaultSession = await safe.openSession({ certificate, computer, job, ledger: agent.ledgerHead });
  await using _held = vaultSession;
  const refs = new RefsBuilder();
  for (const { name, bytes, rows } of packs.finish()) {
    await vaultSession.putPack(name, bytes);
    for (const { position } of rows) refs.add(name, position);
  }
  const facts = publicOf(agent, session, { random, clock });
  const sealed = sealRecordPart({
    session,
    nonce: facts.nonce,
    publicDigest: recordPublicDigest(suite, facts),
    part: { catalog: { root, level }, host: 'PC', sources: [utf8Encode('C:\0Users')], errors: [] },
  });
  const sign = (message: Uint8Array): Uint8Array => primitives.ed25519Sign(agent.agentSeed, message);
  const bytes = encodeRecord({ public: facts, suite, refs: refs.finish(), sealed, sign });
  parseRecord(bytes);
  await vaultSession.commit(bytes);
}

function publicOf(
  agent: AgentKeys,
  session: SealingSession,
  { random, clock }: Pick<WindowsRun, 'random' | 'clock'>,
): RecordPublic {
  const counts = {
    bytesChanged: 60,
    bytesProtected: 60,
    bytesUploaded: 0,
    directories: 2,
    errors: 0,
    files: 2,
    filesChanged: 2,
    others: 1,
  };
  return {
    safe: agent.safe,
    certificate: agent.certificate,
    computer: agent.computer,
    computerName: agent.computerName,
    job,
    retention: 'standard',
    kind: 'safeset',
    sequence: 1,
    previous: [],
    ledger: agent.ledgerHead,
    startMs: clock.nowMs() - 1000,
    endMs: clock.nowMs(),
    result: 'ok',
    counts,
    epoch: session.epoch,
    kem: session.kem,
    nonce: random.bytes(32),
    safeset: safesetId(random.bytes(16)),
  };
}

function entriesOf(packs: Packs): CatalogEntry[] {
  const text = utf8Encode('a file with streams\n');
  const content = packs.put(packKinds.data, text);
  const pieces = packs.put(packKinds.data, utf8Encode('0123456789'.repeat(40)));
  const whole = (chunk: ChunkId, lengthBytes: number): Extent[] => [{ chunk, offsetBytes: 0, lengthBytes }];
  // Every second piece of a chunk: extents that do not touch, so many that they stand in a rope.
  const many = Array.from({ length: 80 }, (_, index) => ({ chunk: pieces, offsetBytes: index * 5, lengthBytes: 2 }));
  const zone = utf8Encode('[ZoneTransfer]\r\nZoneId=3\r\n');
  const common = { uid: 0, gid: 0, mtimeSeconds: 1_700_000_000, mtimeNanos: 123_456_700, mode: 0o755, sizeBytes: 0, extents: [] };
  const times = { atime: { seconds: 1_700_000_100, nanos: 100 }, btime: { seconds: -11_644_473_600, nanos: 0 } };
  const folder = utf8Encode('C:\0Users');
  const sddl = { kind: 'sddl', value: utf8Encode('O:BAG:SYD:(A;;FA;;;SY)') };
  return [
    { ...common, directory: new Uint8Array(), name: utf8Encode('C:'), type: 2 },
    { ...common, directory: utf8Encode('C:'), name: utf8Encode('Users'), type: 2, windows: 0x10, acls: [sddl] },
    { ...common, directory: folder, name: utf8Encode('link'), type: 3, link: utf8Encode('\\??\\C:\\Users'), windows: 0x410 },
    {
      ...common,
      ...times,
      directory: folder,
      name: utf8Encode('nfs'),
      type: 1,
      sizeBytes: text.length,
      extents: whole(content, text.length),
      acls: [{ kind: 'nfs4', value: utf8Encode('A::OWNER@:rw') }, sddl],
    },
    {
      ...common,
      ...times,
      directory: folder,
      name: utf8Encode('streams.txt'),
      type: 1,
      sizeBytes: text.length,
      extents: whole(content, text.length),
      windows: 0x2020,
      streams: [
        {
          name: utf8Encode('Zone.Identifier'),
          sizeBytes: zone.length,
          extents: whole(packs.put(packKinds.data, zone), zone.length),
        },
        { name: utf8Encode('pieces'), sizeBytes: 160, extents: many },
      ],
    },
  ];
}

/** One pack of each kind. */
class Packs {
  readonly #agent: AgentKeys;
  readonly #builders: ReadonlyMap<PackKind, PackBuilder>;

  constructor(session: SealingSession, agent: AgentKeys, random: Random) {
    this.#agent = agent;
    const kinds = [packKinds.data, packKinds.catalog] as const;
    this.#builders = new Map(
      kinds.map((kind) => [kind, new PackBuilder({ session, kind, keys: kindKeys(agent.writeSecret, kind), random })]),
    );
  }

  put(kind: PackKind, plaintext: Uint8Array): ChunkId {
    const { id, m } = chunkSecret(kindKeys(this.#agent.writeSecret, kind), plaintext);
    const builder = this.#builders.get(kind);
    if (builder !== undefined && !builder.has(id)) builder.add(id, m, encodePayload(plaintext));
    return id;
  }

  finish(): ReturnType<PackBuilder['finish']>[] {
    return Array.from(this.#builders.values(), (builder) => builder.finish());
  }
}
