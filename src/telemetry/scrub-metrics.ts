import { Counter, Gauge, type Registry } from 'prom-client';

export interface ScrubNumbers {
  /** Since the start. */
  readonly files: number;
  readonly bytes: number;
  readonly damaged: number;
  readonly failures: number;
  readonly last: { readonly endedMs: number; readonly seconds: number } | undefined;
}

/** Of several processes one does it. */
export function watchScrub(registry: Registry, read: () => ScrubNumbers): void {
  const registers = [registry];
  const counter = (name: string, help: string, value: (numbers: ScrubNumbers) => number) =>
    new Counter({
      name: `verbatim_scrub_${name}_total`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(value(read()));
      },
    });
  counter('files', 'Stored files that were read again whole, and are what they were.', ({ files }) => files);
  counter('bytes', 'Bytes of stored files that were read again whole, and are what they were.', ({ bytes }) => bytes);
  counter('damaged', 'Stored files that were read again, found damaged and set aside.', ({ damaged }) => damaged);
  counter(
    'failures',
    'Times that what lies on disk could not be listed to be read again; it is tried again after a pause that grows.',
    ({ failures }) => failures,
  );
  const gauge = (name: string, help: string, value: (last: NonNullable<ScrubNumbers['last']>) => number) =>
    new Gauge({
      name: `verbatim_scrub_last_round_${name}`,
      help,
      registers,
      aggregator: 'max',
      collect() {
        const { last } = read();
        if (last !== undefined) this.set(value(last));
      },
    });
  gauge(
    'timestamp_seconds',
    'When everything on disk had last been read again, seconds since the epoch; no value before that.',
    ({ endedMs }) => endedMs / 1000,
  );
  gauge('seconds', 'How long the last round of reading everything on disk again took.', ({ seconds }) => seconds);
}
