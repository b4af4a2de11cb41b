import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '@twinvault/testkit';
import { SlowClients } from './slow-clients.ts';

function connection(): { bytesRead: number; bytesWritten: number; writableLength: number; ended: boolean; destroy(): void } {
  const it = { bytesRead: 0, bytesWritten: 0, writableLength: 0, ended: false, destroy: () => void (it.ended = true) };
  return it;
}

test('who moves next to nothing while the site waits for him is cut off, and nobody else', async () => {
  const clock = new FakeClock(0);
  let cut = 0;
  using clients = new SlowClients(clock, { bytesPerSecondMin: 1000, overMs: 10_000, cutOff: () => (cut += 1) });
  const [sender, slowSender, slowTaker, waiter] = [connection(), connection(), connection(), connection()];
  clients.watch(sender, () => true);
  clients.watch(slowSender, () => true);
  clients.watch(slowTaker, () => false);
  clients.watch(waiter, () => false);
  slowTaker.writableLength = 50_000;
  for (let seconds = 0; seconds < 25; seconds += 1) {
    await clock.advance(1000);
    sender.bytesRead += 1500;
    slowSender.bytesRead += 10;
  }
  assert.deepEqual([sender.ended, slowSender.ended, slowTaker.ended, waiter.ended], [false, true, true, false]);
  assert.equal(cut, 2);
});

test('what is not watched any more is left alone', async () => {
  const clock = new FakeClock(0);
  using clients = new SlowClients(clock, { bytesPerSecondMin: 1000, overMs: 10_000, cutOff: () => assert.fail('cut off') });
  const quiet = connection();
  const end = clients.watch(quiet, () => true);
  await clock.advance(10_000);
  end();
  await clock.advance(60_000);
  assert.equal(quiet.ended, false);
});
