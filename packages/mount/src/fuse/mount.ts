/*
 * Mounts a tree at a directory and serves it until it is unmounted: by mount(2) as root, by fusermount3 as another user.
 *
 * Invariant: when this process goes away, whatever the way, the mount does: a helper process holds a pipe to it and unmounts when the pipe
 * ends.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Thread, Threads } from '@twinvault/std';
import { MountError } from '../errors.ts';
import type { FileTree } from '../tree/file-tree.ts';
import { addressOf, callAside, cString, errnoName, lastErrno, libc } from './libc.ts';
import type { RequestMessage, RequestThreadData } from './request-thread.ts';
import { FuseServer } from './server.ts';
import { refusalOf } from './refusal.ts';

export interface FuseMountOptions {
  /** Absolute path of a directory. */
  readonly directory: string;
  readonly tree: FileTree;
  readonly threads: Threads;
  /** Other users than this one may look in, as the modes of the files say. */
  readonly allowOthers: boolean;
  /** Told of errors while it is served; whoever asked the file system gets EIO. */
  readonly onFailure: (error: unknown) => void;
}

export interface FuseMount {
  /** Resolves when it is unmounted, by whomever. */
  readonly ended: Promise<void>;
  /** False: it was in use; it is out of sight then and ends when nobody uses it any more. */
  unmount(): Promise<boolean>;
}

const O_RDWR_CLOEXEC = 0o2 | 0o2000000;
/** MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOATIME */
const mountFlags = 1 | 2 | 4 | 1024;
const MNT_DETACH = 2;

/** Throws MountError. */
export async function mountFuse(options: FuseMountOptions): Promise<FuseMount> {
  const { directory, tree, threads, onFailure } = options;
  const system = libc();
  const asRoot = system.geteuid() === 0;
  const watcher = watch(directory);
  const fd = await mounted(options, asRoot).catch((error: unknown) => {
    watcher.kill('SIGKILL');
    throw error;
  });
  const server = new FuseServer(tree, (reply) => void system.write(fd, reply, reply.length), onFailure);
  const data: RequestThreadData = { fd };
  const thread = threads.start(new URL('request-thread.ts', import.meta.url).href, data);
  const ended = serve(thread, server).finally(() => {
    watcher.kill('SIGKILL');
    system.close(fd);
  });
  return { ended, unmount: async () => (asRoot ? await unmountAsRoot(directory) : await unmountAsUser(directory)) };
}

async function mounted(options: FuseMountOptions, asRoot: boolean): Promise<number> {
  return asRoot ? mountAsRoot(options) : await mountAsUser(options);
}

/** Resolves when the kernel has no more requests. */
async function serve(thread: Thread, server: FuseServer): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      thread.onMessage((value) => {
        const message = value as RequestMessage;
        if (message.type === 'request') void server.handle(message.bytes);
        else if (message.errno === 0) resolve();
        else reject(new MountError('mount-failed', { context: { reason: errnoName(message.errno) } }));
      });
      thread.onFailure(reject);
    });
  } finally {
    await thread[Symbol.asyncDispose]();
  }
}

function mountAsRoot({ directory, allowOthers }: FuseMountOptions): number {
  const { open, mount, close, geteuid, getegid } = libc();
  const fd = open(cString('/dev/fuse'), O_RDWR_CLOEXEC);
  if (fd < 0) throw failed('mount-unsupported', directory);
  const ids = `rootmode=40000,user_id=${geteuid()},group_id=${getegid()}`;
  const words = `fd=${fd},${ids},default_permissions${allowOthers ? ',allow_other' : ''}`;
  if (mount(cString('twinvault'), cString(directory), cString('fuse.twinvault'), mountFlags, cString(words)) === 0) return fd;
  const error = failed('mount-failed', directory);
  close(fd);
  throw error;
}

function failed(code: 'mount-failed' | 'mount-denied' | 'mount-unsupported', localPath: string): MountError {
  const errno = lastErrno();
  const denied = errno === 1 || errno === 13;
  return new MountError(denied ? 'mount-denied' : code, { context: { reason: errnoName(errno), localPath } });
}

async function unmountAsRoot(directory: string): Promise<boolean> {
  const { umount2 } = libc();
  if ((await callAside(umount2, cString(directory), 0)) === 0) return true;
  await callAside(umount2, cString(directory), MNT_DETACH);
  return false;
}

/** fusermount3 mounts and sends the descriptor back over a socket (libfuse, doc/README of fusermount). */
async function mountAsUser({ directory, allowOthers }: FuseMountOptions): Promise<number> {
  const { socketpair, close } = libc();
  const pair = new Int32Array(2);
  // AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC.
  if (socketpair(1, 1 | 0o2000000, 0, new Uint8Array(pair.buffer)) !== 0) throw failed('mount-failed', directory);
  const [ours = -1, theirs = -1] = pair;
  try {
    const words = `ro,nosuid,nodev,default_permissions,fsname=twinvault,subtype=twinvault${allowOthers ? ',allow_other' : ''}`;
    const told = await runFusermount(['-o', words, '--', directory], theirs);
    if (told !== null) throw refusalOf(told, directory);
    const fd = receiveDescriptor(ours);
    if (fd >= 0) return fd;
    throw new MountError('mount-failed', { context: { reason: 'fusermount3 sent no descriptor', localPath: directory } });
  } finally {
    close(ours);
    close(theirs);
  }
}

async function unmountAsUser(directory: string): Promise<boolean> {
  if ((await runFusermount(['-u', '--', directory], null)) === null) return true;
  await runFusermount(['-u', '-z', '--', directory], null);
  return false;
}

/** What it said, if it failed; `mount-helper-missing`. */
function runFusermount(words: readonly string[], socket: number | null): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const stdio = ['ignore', 'ignore', 'pipe', ...(socket === null ? [] : [socket])] as const;
    const child = spawn('fusermount3', [...words], {
      stdio: [...stdio],
      env: { PATH: '/usr/bin:/bin:/usr/local/bin', _FUSE_COMMFD: '3' },
    });
    let said = '';
    child.stderr?.on('data', (bytes: Buffer) => (said += bytes.toString()));
    child.once('error', (cause) => reject(new MountError('mount-helper-missing', { cause })));
    child.once('close', (status) => resolve(status === 0 ? null : said.trim() || 'fusermount3 failed'));
  });
}

/** struct msghdr and cmsghdr of 64-bit Linux: SCM_RIGHTS with one descriptor. -1 when none came. */
function receiveDescriptor(socket: number): number {
  const [data, control] = [new Uint8Array(16), new Uint8Array(64)];
  const vector = new BigUint64Array([addressOf(data), BigInt(data.length)]);
  const header = new BigUint64Array(7);
  header[2] = addressOf(new Uint8Array(vector.buffer));
  header[3] = 1n;
  header[4] = addressOf(control);
  header[5] = BigInt(control.length);
  // MSG_CMSG_CLOEXEC.
  if (libc().recvmsg(socket, new Uint8Array(header.buffer), 0x40000000) < 0) return -1;
  const view = new DataView(control.buffer);
  return view.getUint32(12, true) === 1 && Number(view.getBigUint64(0, true)) >= 20 ? view.getInt32(16, true) : -1;
}

/**
 * A shell that waits for this process's end and then unmounts, so that not even SIGKILL leaves a dead folder. It is there before the mount is, and
 * leaves a folder alone that can be listed: a dead one cannot, and another one, which somebody mounted there before, is not ours.
 */
function watch(directory: string): ChildProcess {
  const unmount = 'umount -l -- "$1" 2>/dev/null || fusermount3 -u -z -- "$1" 2>/dev/null';
  const script = `trap "" INT TERM HUP; cat >/dev/null; ls -- "$1" >/dev/null 2>&1 || ${unmount}`;
  const child = spawn('/bin/sh', ['-c', script, 'twinvault-unmount', directory], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin' },
  });
  child.on('error', () => {});
  child.unref();
  return child;
}
