import { Gauge, type Registry } from 'prom-client';
import type { Instant } from '../bytes/instant.ts';
import { CONDITIONS, type Condition } from '../ports/conditions.ts';
import { type Label, oneOf } from './labels.ts';

/** What the feed of advisories in force came to. */
export interface AdvisoryNumbers {
  readonly records: number;
  readonly malware: number;
  readonly withdrawn: number;
  readonly foreign: number;
  readonly unreadable: number;
  readonly newest: Instant | undefined;
}

const ADVISORY_KINDS = ['records', 'malware', 'withdrawn', 'foreign', 'unreadable'] as const;

/** What an operator should know of how this mirror stands, and what it is told by. */
export interface ConditionNumbers {
  readonly inForce: readonly Pick<Condition, 'what' | 'index'>[];
  /** Of our own certificate; undefined without TLS. */
  readonly certificateEnds: Instant | undefined;
  /** Seconds by which this machine's clock is ahead of each upstream's; of those that were heard. */
  readonly clockAhead: ReadonlyMap<string, number>;
  /** On the disk of the data directory; undefined where the system does not say. */
  readonly freeBytes: number | undefined;
  /** All of that disk; undefined where the system does not say. */
  readonly diskBytes: number | undefined;
  /** What each index believes of Sigstore: whence, and of when. */
  readonly sigstoreRoots?:
    | readonly { readonly index: string; readonly from: string; readonly of: Instant }[]
    | undefined;
  /** Undefined where no feed is in force. */
  readonly advisories?: AdvisoryNumbers | undefined;
  /** Seconds that what was imported has, and may have, by index. */
  readonly importAges: readonly { readonly index: string; readonly age: number; readonly most: number }[];
}

type MakeGauge = (
  name: string,
  help: string,
  labelNames: readonly string[],
  collect: (gauge: Gauge) => void,
) => unknown;

function watchAdvisories(gauge: MakeGauge, read: () => AdvisoryNumbers | undefined): void {
  gauge(
    'verbatim_advisories',
    'Advisories of the feed in force, by kind: all about Python packages, those of malware or withdrawn among them, those of other ecosystems, and those that cannot be read.',
    ['kind'],
    (each) => {
      const numbers = read();
      if (numbers !== undefined) for (const kind of ADVISORY_KINDS) each.set({ kind }, numbers[kind]);
    },
  );
  gauge(
    'verbatim_advisories_newest_timestamp_seconds',
    'When the newest advisory of the feed in force was changed.',
    [],
    (each) => {
      const newest = read()?.newest;
      if (newest !== undefined) each.set(newest);
    },
  );
}

/** The processes on one data directory stand alike: what one of them knows is not added up. A gauge of what is not known has no series. */
export function watchConditions(registry: Registry, read: () => ConditionNumbers, indexOf: Label): void {
  const whatOf = oneOf(Object.keys(CONDITIONS));
  const fromOf = oneOf(['index', 'file', 'packaged']);
  const gauge: MakeGauge = (name, help, labelNames, collect) =>
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      aggregator: 'max',
      collect() {
        this.reset();
        // Without labels it would be 0 after that, which is a value.
        if (labelNames.length === 0) this.remove();
        collect(this);
      },
    });
  gauge(
    'verbatim_condition',
    'Things that an operator should know of, as they stand, by what is so (docs/operating.md).',
    ['what', 'index'],
    (each) => {
      for (const { what, index } of read().inForce) each.inc({ what: whatOf(what), index: indexOf(index) });
    },
  );
  gauge(
    'verbatim_certificate_expires_timestamp_seconds',
    'When the certificate of server.tls ends, or the first of its chain.',
    [],
    (each) => {
      const { certificateEnds } = read();
      if (certificateEnds !== undefined) each.set(certificateEnds);
    },
  );
  gauge(
    'verbatim_clock_ahead_seconds',
    "By how much this machine's clock is ahead of upstream's, by its Date.",
    ['index'],
    (each) => {
      for (const [index, seconds] of read().clockAhead) each.set({ index: indexOf(index) }, seconds);
    },
  );
  gauge('verbatim_disk_size_bytes', 'All bytes of the disk of the data directory.', [], (each) => {
    const { diskBytes } = read();
    if (diskBytes !== undefined) each.set(diskBytes);
  });
  gauge('verbatim_import_age_seconds', 'How old what was imported is, from its reference time.', ['index'], (each) => {
    for (const { index, age } of read().importAges) each.set({ index: indexOf(index) }, age);
  });
  gauge(
    'verbatim_import_age_limit_seconds',
    'How old what was imported may be, from its reference time; then installers get 503.',
    ['index'],
    (each) => {
      for (const { index, most } of read().importAges) each.set({ index: indexOf(index) }, most);
    },
  );
  gauge(
    'verbatim_sigstore_root_timestamp_seconds',
    "When Sigstore's trusted root, by which provenance is judged, was proved last (from an index), written (a file), or packaged.",
    ['index', 'from'],
    (each) => {
      for (const { index, from, of } of read().sigstoreRoots ?? [])
        each.set({ index: indexOf(index), from: fromOf(from) }, of);
    },
  );
  watchAdvisories(gauge, () => read().advisories);
  gauge('verbatim_disk_free_bytes', 'Bytes free on the disk of the data directory.', [], (each) => {
    const { freeBytes } = read();
    if (freeBytes !== undefined) each.set(freeBytes);
  });
}
