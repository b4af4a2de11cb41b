/** HTTP as a port: everything that goes over a wire. The memory implementation routes requests to handlers in the same process. */
export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal;
  /** The whole exchange; `network-timeout` after that. */
  readonly timeoutMs: number;
  /** Larger answers are refused with `network-answer-too-large`. */
  readonly answerBytesMax: number;
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface Network {
  /** Any status is an answer; throws StdError `network-unreachable`, `network-timeout`, `network-answer-too-large`. TLS 1.3 only for https. */
  request(request: HttpRequest): Promise<HttpAnswer>;
}
