import { Counter, type Registry } from 'prom-client';

/** How a record is written; since the start. */
export interface RecordNumbers {
  readonly failures: number;
  readonly lost: number;
}

/** Records of what happened, by what they are of. */
const RECORDS = {
  access: 'who was sent what',
  requests: 'what was asked for and refused by policy',
} as const;

export type RecordName = keyof typeof RECORDS;

/** Each process writes what it saw itself. */
export function watchRecord(registry: Registry, record: RecordName, read: () => RecordNumbers): void {
  const of = `the record of ${RECORDS[record]}`;
  const counter = (name: string, help: string, value: (numbers: RecordNumbers) => number) =>
    new Counter({
      name: `verbatim_${record}_record_${name}_total`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(value(read()));
      },
    });
  counter(
    'failures',
    `Times that the disk did not take ${of}; the lines wait, and are tried again.`,
    ({ failures }) => failures,
  );
  counter(
    'lost',
    `Lines of ${of} that nobody will read, as too many waited for a disk that took none.`,
    ({ lost }) => lost,
  );
}
