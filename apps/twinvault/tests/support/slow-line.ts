/*
 * A line between two hosts as a proxy for TCP on this machine: what goes through is late by so much each way, in order and as fast as before, or stalls in the
 * middle for ever, with nobody told.
 */

import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

export class SlowLine {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #delayMs: number;
  /** Bytes from the caller that still go through; then nothing does, either way. */
  #leftBytes = Infinity;

  constructor(toPort: number, delayMs: number) {
    this.#delayMs = delayMs;
    this.#server = createServer((caller) => this.#join(caller, connect(toPort, '127.0.0.1')));
  }

  /** The port to be called. */
  async listen(): Promise<number> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    return (this.#server.address() as AddressInfo).port;
  }

  /** After so many more bytes of callers everything that is under way or begins stands still. */
  stallAfter(bytes: number): void {
    this.#leftBytes = bytes;
  }

  get isStalled(): boolean {
    return this.#leftBytes <= 0;
  }

  /** What stood still is over; new connections go through. */
  mend(): void {
    this.#leftBytes = Infinity;
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(caller: Socket, site: Socket): void {
    this.#pass(caller, site, (bytes) => (this.#leftBytes -= bytes));
    this.#pass(site, caller, () => undefined);
  }

  /** Bytes that were read are on the line for a while; what waits there is bounded by what sender and receiver let be under way. */
  #pass(from: Socket, to: Socket, count: (bytes: number) => void): void {
    this.#sockets.add(from);
    from.on('data', (bytes: Buffer) => {
      count(bytes.length);
      setTimeout(() => {
        if (!this.isStalled) to.write(bytes);
      }, this.#delayMs);
    });
    from.once('error', () => to.destroy());
    from.once('close', () => {
      this.#sockets.delete(from);
      setTimeout(() => to.end(), this.#delayMs);
    });
  }
}
