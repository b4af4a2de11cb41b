/*
 * Cuts off who sends or takes next to nothing: such a connection holds memory and a turn, and a few thousand of them would hold all. Only connections
 * of requests under way are looked at, and of those only the time in which the site waits for the client, never that in which the client
 * waits for the site.
 */

import type { Timers } from '@twinvault/std';

/** The part of a connection that is looked at. */
export interface Connection {
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly writableLength: number;
  destroy(): unknown;
}

export interface SlowOptions {
  readonly bytesPerSecondMin: number;
  readonly overMs: number;
  readonly cutOff: () => void;
}

interface Watched {
  readonly connection: Connection;
  /** What moved when it was last looked at; null when the client did not have to move anything. */
  movedBytes: number | null;
  readonly isReceiving: () => boolean;
}

export class SlowClients implements Disposable {
  readonly #options: SlowOptions;
  readonly #watched = new Set<Watched>();
  readonly #stop: () => void;

  constructor(timers: Timers, options: SlowOptions) {
    this.#options = options;
    const timer = timers.every(options.overMs, () => this.#look());
    this.#stop = () => timer.cancel();
  }

  /** `isReceiving`: the body of the request is not all here yet. Returns what ends the watching. */
  watch(connection: Connection, isReceiving: () => boolean): () => void {
    const watched: Watched = { connection, movedBytes: null, isReceiving };
    this.#watched.add(watched);
    return () => this.#watched.delete(watched);
  }

  #look(): void {
    const { bytesPerSecondMin, overMs, cutOff } = this.#options;
    const leastBytes = (bytesPerSecondMin * overMs) / 1000;
    for (const watched of this.#watched) {
      const { connection, isReceiving } = watched;
      const isClientsTurn = isReceiving() || connection.writableLength > 0;
      const movedBytes = connection.bytesRead + connection.bytesWritten - connection.writableLength;
      if (!isClientsTurn) {
        watched.movedBytes = null;
      } else if (watched.movedBytes !== null && movedBytes - watched.movedBytes < leastBytes) {
        this.#watched.delete(watched);
        connection.destroy();
        cutOff();
      } else {
        watched.movedBytes = movedBytes;
      }
    }
  }

  [Symbol.dispose](): void {
    this.#stop();
  }
}
