/**
 * Everything the command prints goes through here: text for people, or with --json one JSON object per line for programs. Results go to
 * standard output, progress and errors of the text form to standard error; with --json all of it goes to standard output.
 *
 * JSON lines carry `type`: "progress", "note", "item", and at the end exactly one "result" or "error".
 */
import type { Writable } from 'node:stream';

export interface OutputStreams {
  readonly out: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly error: Writable & { readonly isTTY?: boolean; readonly columns?: number };
}

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };
export type JsonObject = { readonly [key: string]: JsonValue | undefined };

export interface Output {
  readonly json: boolean;
  /** Progress may redraw one line. */
  readonly interactive: boolean;
  readonly columns: number;
  /** A line for people; nothing with --json. */
  text(line: string): void;
  /** A remark for people on standard error, a "note" with --json. */
  note(line: string): void;
  /** One row of a listing: an "item" with --json, `line` otherwise. */
  item(value: JsonObject, line: string): void;
  /** The last word of a verb: a "result" with --json, the lines otherwise. Called once. */
  result(value: JsonObject, lines: readonly string[]): void;
  /** The last word of a verb that failed. */
  failure(value: JsonObject, lines: readonly string[]): void;
  /** The one progress line: redrawn when interactive. With --json `value` is written. */
  progress(value: JsonObject, line: string): void;
  /** Takes the progress line away. */
  clearProgress(): void;
  /** Raw bytes to standard output (cat); waits for a slow reader. */
  raw(bytes: Uint8Array): Promise<void>;
}

export function makeOutput(streams: OutputStreams, json: boolean): Output {
  return json ? jsonOutput(streams) : textOutput(streams);
}

function writeBytes(stream: Writable, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

function jsonOutput({ out }: OutputStreams): Output {
  const write = (value: JsonObject): void => {
    out.write(`${JSON.stringify(value)}\n`);
  };
  return {
    json: true,
    interactive: false,
    columns: 80,
    text: () => {},
    note: (line) => write({ type: 'note', text: line }),
    item: (value) => write({ type: 'item', ...value }),
    result: (value) => write({ type: 'result', ...value }),
    failure: (value) => write({ type: 'error', ...value }),
    progress: (value) => write({ type: 'progress', ...value }),
    clearProgress: () => {},
    raw: (bytes) => writeBytes(out, bytes),
  };
}

function textOutput({ out, error }: OutputStreams): Output {
  const interactive = error.isTTY === true;
  let drawn = false;
  const clear = (): void => {
    if (drawn) error.write('\r\u001B[K');
    drawn = false;
  };
  const lines = (stream: Writable, all: readonly string[]): void => {
    clear();
    for (const line of all) stream.write(`${line}\n`);
  };
  return {
    json: false,
    interactive,
    columns: error.columns ?? 100,
    text: (line) => lines(out, [line]),
    note: (line) => lines(error, [line]),
    item: (_value, line) => lines(out, [line]),
    result: (_value, all) => lines(out, all),
    failure: (_value, all) => lines(error, all),
    progress: (_value, line) => {
      if (!interactive) {
        error.write(`${line}\n`);
        return;
      }
      error.write(`\r${line.slice(0, (error.columns ?? 100) - 1)}\u001B[K`);
      drawn = true;
    },
    clearProgress: clear,
    raw: (bytes) => writeBytes(out, bytes),
  };
}
