/** HTTP as a port: everything that goes over a wire. The memory implementation routes requests to handlers in the same process. */
/** How fast bytes may go one way: whoever moves some asks before, a piece at a time. */
export interface Pace {
  /** Resolves when so many bytes may go; in the order of the calls. Rejects with the signal's reason when it aborts first. */
  take(countBytes: number, signal?: AbortSignal): Promise<void>;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** In one piece, or in several that follow each other. It is read until the request settles, and not changed. */
  readonly body?: Uint8Array | readonly Uint8Array[];
  readonly signal?: AbortSignal;
  /** The whole exchange; `network-timeout` after that. */
  readonly timeoutMs: number;
  /** How long the line may carry nothing, either way, before it is taken for broken: `network-timeout`. Some minutes when left out. */
  readonly silenceMsMax?: number;
  /** Larger answers are refused with `network-answer-too-large`. */
  readonly answerBytesMax: number;
  /** For the bytes of the body, and for those of the answer's body; as fast as it goes when left out. */
  readonly uploadPace?: Pace;
  readonly downloadPace?: Pace;
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface Network {
  /**
   * Any status is an answer; throws StdError `network-unreachable`, `network-timeout`, `network-answer-too-large`, `network-untrusted`,
   * `network-proxy-refused`. TLS 1.3 with a suite of 256 bits only for https.
   */
  request(request: HttpRequest): Promise<HttpAnswer>;
}
