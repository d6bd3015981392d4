import { Counter, type Registry } from 'prom-client';

/** How the record of who was sent what is written; since the start. */
export interface RecordNumbers {
  readonly failures: number;
  readonly lost: number;
}

/** Each process writes what it sent itself. */
export function watchRecord(registry: Registry, read: () => RecordNumbers): void {
  const counter = (name: string, help: string, value: (numbers: RecordNumbers) => number) =>
    new Counter({
      name: `verbatim_access_record_${name}_total`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(value(read()));
      },
    });
  counter(
    'failures',
    'Times that the disk did not take the record of who was sent what; the lines wait, and are tried again.',
    ({ failures }) => failures,
  );
  counter(
    'lost',
    'Lines of the record of who was sent what that nobody will read, as too many waited for a disk that took none.',
    ({ lost }) => lost,
  );
}
