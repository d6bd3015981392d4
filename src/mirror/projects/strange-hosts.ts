import { Refusal } from '../../bytes/refusal.ts';
import type { Upstream } from '../../ports/upstream.ts';
import type { OwnFile } from '../../pypi/listing.ts';
import type { Reports } from './reports.ts';

/** Hosts that are remembered as told; beyond it they are told again. */
const MOST_TOLD = 1000;
/** Places of one page's files that are looked at and named: a page of thousands of hosts is told by those with the most files. */
const MOST_PLACES = 20;

/** Where files of a page are. */
export interface FilePlace {
  /** `https://files.example.org` */
  readonly origin: string;
  /** The page states no digest of these. */
  readonly unproved: boolean;
  readonly files: number;
}

/** The places with the most files first. */
export function placesOf(files: Iterable<OwnFile>): readonly FilePlace[] {
  const places = new Map<string, FilePlace>();
  for (const { upstream, entry } of files) {
    const origin = upstream.slice(0, upstream.indexOf('/', upstream.indexOf('//') + 2));
    const unproved = entry.digests.size === 0;
    const key = `${unproved} ${origin}`;
    places.set(key, { origin, unproved, files: (places.get(key)?.files ?? 0) + 1 });
  }
  return [...places.values()].sort((a, b) => b.files - a.files).slice(0, MOST_PLACES);
}

/** Hosts to which pages send installers for files, and where this mirror may not go: told when the page is read, all at once. */
export class StrangeHosts {
  readonly #upstream: Pick<Upstream, 'mayFetch'>;
  readonly #reports: Reports;
  readonly #told = new Set<string>();

  constructor({ upstream, reports }: { readonly upstream: Pick<Upstream, 'mayFetch'>; readonly reports: Reports }) {
    this.#upstream = upstream;
    this.#reports = reports;
  }

  /** How many files lie on each host where this mirror may not go. */
  of(places: readonly FilePlace[]): ReadonlyMap<string, number> {
    const strange = new Map<string, number>();
    for (const { origin, unproved, files } of places) {
      if (this.#upstream.mayFetch(`${origin}/`, unproved)) continue;
      const { host } = new URL(origin);
      strange.set(host, (strange.get(host) ?? 0) + files);
    }
    return strange;
  }

  /** The same, and tells of it. */
  look(project: string, places: readonly FilePlace[]): ReadonlyMap<string, number> {
    const strange = this.of(places);
    if ([...strange.keys()].every((host) => this.#told.has(host))) return strange;
    if (this.#told.size >= MOST_TOLD) this.#told.clear();
    for (const host of strange.keys()) this.#told.add(host);
    const hosts = [...strange];
    const refusal = new Refusal(
      'foreign',
      `The page of ${project} has files on hosts where this mirror may not go: ${hosts.map(([host, count]) => `${host} (${count})`).join(', ')}. If they are the index's own: ${hosts.map(([host]) => `--file-host ${host}`).join(' ')}`,
      { subject: 'page' },
    );
    this.#reports.refused({ subject: 'page', name: project }, refusal);
    return strange;
  }
}
