import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { systemProcesses } from './system-processes.ts';

const onLinux = { skip: process.platform !== 'linux' };

test('this process is not gone, and what is no name never is', () => {
  assert.equal(systemProcesses.isGone(systemProcesses.self), false);
  for (const name of ['', ':', 'x:1:1', `${'0'.repeat(16)}:999999999:1`, '../..:1:1'])
    assert.equal(systemProcesses.isGone(name), false);
});

test('the name holds machine, number and start, and tells a number that was given again', onLinux, () => {
  const [tag, pid, ticks] = systemProcesses.self.split(':');
  assert.equal(Number(pid), process.pid);
  assert.equal(systemProcesses.isGone(`${tag}:${pid}:${Number(ticks) - 1}`), true);
});

test('a child is there until it has ended', onLinux, async () => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
  await once(child, 'spawn');
  const [tag] = systemProcesses.self.split(':');
  // Another start than the child's: the number alone must not decide.
  assert.equal(systemProcesses.isGone(`${tag}:${child.pid}:1`), true);
  const name = await nameOf(child.pid ?? 0);
  assert.equal(systemProcesses.isGone(name), false);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(systemProcesses.isGone(name), true);
});

async function nameOf(pid: number): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  const [tag] = systemProcesses.self.split(':');
  return `${tag}:${pid}:${text.slice(text.lastIndexOf(')') + 2).split(' ')[19]}`;
}
