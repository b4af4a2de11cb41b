import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { ArrivingBody } from './arriving-body.ts';

/** A body of which these pieces have come. */
function bodyOf(
  parts: readonly Uint8Array[],
  lengthBytes: number | null,
): { readonly body: ArrivingBody; readonly stream: Readable } {
  const stream = new Readable({ read: () => {} });
  const body = new ArrivingBody(stream, lengthBytes);
  for (const part of parts) stream.push(Buffer.from(part));
  return { body, stream };
}

const part = fc.uint8Array({ maxLength: 50 });

test('however a body comes and is read, each byte is read once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(part), fc.array(fc.nat(60)), async (sent, reads) => {
      const all = Buffer.concat(sent);
      const { body, stream } = bodyOf(sent, all.length);
      stream.push(null);
      const read: Uint8Array[] = [];
      let offset = 0;
      for (const length of [...reads, all.length]) {
        const target = new Uint8Array(Math.min(length, all.length - offset));
        const fills: number[] = [];
        await body.readInto(target, (filled) => fills.push(filled));
        assert.deepEqual(
          fills,
          fills.toSorted((a, b) => a - b),
        );
        assert.equal(fills.at(-1), target.length);
        read.push(target);
        offset += target.length;
      }
      assert.ok(Buffer.concat(read).equals(all));
      assert.equal(body.readBytes, all.length);
      assert.equal(body.isAwaited, false);
      await assert.rejects(body.readInto(new Uint8Array(1)), { code: 'request-invalid' });
    }),
  );
});

test('pieces that come while somebody reads, and those that come while nobody does, stay in order', async () => {
  const large = fc.uint8Array({ maxLength: 6000 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(large, fc.boolean())), fc.array(fc.nat(9000)), async (sent, reads) => {
      const all = Buffer.concat(sent.map(([bytes]) => bytes));
      const { body, stream } = bodyOf([], all.length);
      const send = async (): Promise<void> => {
        for (const [bytes, pauses] of sent) {
          // A copy: who takes a piece gives its memory away.
          stream.push(Buffer.from(new Uint8Array(bytes).buffer));
          if (pauses) await turn();
        }
        stream.push(null);
      };
      const sending = send();
      const read: Uint8Array[] = [];
      let offset = 0;
      for (const length of [...reads, all.length]) {
        const target = new Uint8Array(Math.min(length, all.length - offset));
        await body.readInto(target);
        read.push(target);
        offset += target.length;
        await turn();
      }
      await sending;
      assert.ok(Buffer.concat(read).equals(all));
    }),
  );
});

test('a piece that was copied gives its memory back', async () => {
  const { body, stream } = bodyOf([], 8192);
  const piece = new Uint8Array(8192).fill(1);
  const target = new Uint8Array(8192);
  const read = body.readInto(target);
  stream.push(piece);
  await read;
  assert.equal(target.at(-1), 1);
  assert.equal(piece.length, 0);
});

test('a body of unknown length is read to its end, and never above the limit', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(part), fc.nat(500), async (sent, bytesMax) => {
      const all = Buffer.concat(sent);
      const { body, stream } = bodyOf(sent, null);
      stream.push(null);
      if (all.length > bytesMax) await assert.rejects(body.readAll(bytesMax), { code: 'request-too-large' });
      else assert.ok(Buffer.from(await body.readAll(bytesMax)).equals(all));
    }),
  );
});

test('nothing is taken from the connection before somebody asks, and then no more than the rest of a piece', async () => {
  const { body, stream } = bodyOf([Buffer.from('abcdef')], 9);
  assert.equal(stream.readableLength, 6);
  assert.equal(body.isAwaited, false);
  const target = new Uint8Array(4);
  await body.readInto(target);
  assert.equal(Buffer.from(target).toString(), 'abcd');
  stream.push(Buffer.from('ghi'));
  assert.equal(body.isAwaited, false);
  const rest = new Uint8Array(5);
  const read = body.readInto(rest);
  await read;
  assert.equal(Buffer.from(rest).toString(), 'efghi');
});

test('a connection that breaks ends who waits, and who asks later', async () => {
  const { body, stream } = bodyOf([Buffer.from('abc')], 9);
  const waits = body.readInto(new Uint8Array(9));
  assert.equal(body.isAwaited, true);
  stream.destroy(new Error('reset'));
  await assert.rejects(waits, { code: 'request-slow' });
  await assert.rejects(body.readInto(new Uint8Array(1)), { code: 'request-slow' });
});

test('what was refused is heard out and not kept, and its target is not written any more', async () => {
  const { body, stream } = bodyOf([Buffer.from('abc')], 9);
  const target = new Uint8Array(9);
  const waits = body.readInto(target, (filled) => filled === 3 && body.discard());
  await assert.rejects(waits, { code: 'request-invalid' });
  const ended = new Promise((resolve) => stream.once('end', resolve));
  assert.equal(body.isAwaited, true, 'the client still sends');
  stream.push(Buffer.from('defghi'));
  stream.push(null);
  await ended;
  assert.equal(body.isAwaited, false);
  assert.equal(Buffer.from(target.subarray(3)).toString('hex'), '000000000000');
});
