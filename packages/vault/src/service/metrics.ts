/*
 * What Prometheus reads. Labels are routes, states and codes: never a safe or a customer, whose number has no limit and whose names are nobody's
 * business.
 */

import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Turns } from './fairness/turns.ts';

export interface RequestFacts {
  readonly route: string;
  readonly status: number;
  /** Empty where it was no refusal. */
  readonly code: string;
  readonly seconds: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<'route' | 'status'>;
  readonly #refusals: Counter<'code'>;
  readonly #seconds: Histogram<'route'>;
  readonly #bytes: Counter<'direction'>;
  readonly #cutOff: Counter;

  constructor(turns: Turns) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry, prefix: 'twinvault_' });
    const counter = <Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> =>
      new Counter({ name: `twinvault_${name}`, help, labelNames, registers });
    this.#requests = counter('requests_total', 'Requests that were answered.', ['route', 'status']);
    this.#refusals = counter('refusals_total', 'Refusals by their code.', ['code']);
    this.#bytes = counter('bytes_total', 'Bytes of bodies, received and sent.', ['direction']);
    this.#cutOff = counter('slow_clients_total', 'Connections that were cut off because they sent or took too little.', []);
    this.#seconds = new Histogram({
      name: 'twinvault_request_seconds',
      help: 'Time from the first byte of a request to the last of its answer.',
      labelNames: ['route'],
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100],
      registers,
    });
    const gauges = [
      gauge('bodies_bytes', 'Memory that bodies of requests hold now.', () => turns.inFlightBytes),
      gauge('bodies_waiting', 'Requests that wait for their turn now.', () => turns.waitingCount),
    ];
    for (const metric of gauges) this.#registry.registerMetric(metric);
  }

  request({ route, status, code, seconds, receivedBytes, sentBytes }: RequestFacts): void {
    this.#requests.inc({ route, status: String(status) });
    if (code !== '') this.#refusals.inc({ code });
    this.#seconds.observe({ route }, seconds);
    this.#bytes.inc({ direction: 'received' }, receivedBytes);
    this.#bytes.inc({ direction: 'sent' }, sentBytes);
  }

  /** A number that is asked for at each reading; one that cannot be told is left out of that reading. */
  watch(name: string, help: string, value: () => number | Promise<number>): void {
    this.#registry.registerMetric(gauge(name, help, value));
  }

  cutOff(): void {
    this.#cutOff.inc();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

function gauge(name: string, help: string, value: () => number | Promise<number>): Gauge {
  return new Gauge({
    name: `twinvault_${name}`,
    help,
    registers: [],
    async collect() {
      try {
        this.set(await value());
      } catch {
        this.remove();
      }
    },
  });
}
