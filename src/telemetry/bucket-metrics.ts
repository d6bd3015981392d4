import { Counter, Gauge, type Registry } from 'prom-client';
import { oneOf } from './labels.ts';

/** How a bucket was used by this process since its start, and how this machine's disk stands before it. */
export interface BucketNumbers {
  readonly requests: readonly { readonly verb: string; readonly outcome: string; readonly count: number }[];
  readonly hedges: number;
  readonly hedgesWon: number;
  readonly retries: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Bytes of files on this machine's disk. */
  readonly tierBytes: number;
  /** Files that are in the bucket not yet. */
  readonly waiting: number;
  readonly away: boolean;
}

export function watchBucket(registry: Registry, read: () => BucketNumbers): void {
  const registers = [registry];
  const verbOf = oneOf(['GET', 'HEAD', 'PUT', 'POST', 'DELETE']);
  const outcomeOf = oneOf(['ok', 'missing', 'refused', 'busy', 'failed']);
  new Counter({
    name: 'verbatim_bucket_requests_total',
    help: 'Requests to the bucket, by verb and by what came of them: ok, missing, refused, busy, failed (no answer).',
    labelNames: ['verb', 'outcome'],
    registers,
    collect() {
      this.reset();
      for (const { verb, outcome, count } of read().requests)
        this.inc({ verb: verbOf(verb), outcome: outcomeOf(outcome) }, count);
    },
  });
  const counted = (name: string, help: string, value: (numbers: BucketNumbers) => number) =>
    new Counter({
      name: `verbatim_bucket_${name}_total`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(value(read()));
      },
    });
  counted('hedges', 'Second requests of writes that were slow.', ({ hedges }) => hedges);
  counted(
    'hedges_won',
    'Second requests of slow writes that were quicker than the first.',
    ({ hedgesWon }) => hedgesWon,
  );
  counted('retries', 'Requests to the bucket that were made again.', ({ retries }) => retries);
  counted('received_bytes', 'Bytes of objects that came from the bucket.', ({ bytesIn }) => bytesIn);
  counted('sent_bytes', 'Bytes of objects that were sent to the bucket.', ({ bytesOut }) => bytesOut);
  const gauge = (
    name: string,
    help: string,
    value: (numbers: BucketNumbers) => number,
    aggregator: 'sum' | 'max' = 'max',
  ) =>
    new Gauge({
      name: `verbatim_bucket_${name}`,
      help,
      registers,
      aggregator,
      collect() {
        this.set(value(read()));
      },
    });
  gauge('tier_bytes', 'Bytes of files on this machine’s disk before the bucket.', ({ tierBytes }) => tierBytes);
  // Each process uploads what it fetched.
  gauge('waiting_files', 'Files that are in the bucket not yet.', ({ waiting }) => waiting, 'sum');
  gauge('away', '1 while the bucket cannot be had.', ({ away }) => (away ? 1 : 0));
}
