import { Refusal } from '../../bytes/refusal.ts';
import type { Upstream } from '../../ports/upstream.ts';
import type { OwnFile } from '../../pypi/listing.ts';
import type { Reports } from './reports.ts';

/** Hosts that are remembered as told; beyond it they are told again. */
const MOST_TOLD = 1000;
/** Named in one line. */
const MOST_NAMED = 20;

/** Hosts to which pages send installers for files, and where this mirror may not go: told when the page is read, all at once. */
export class StrangeHosts {
  readonly #upstream: Pick<Upstream, 'mayFetch'>;
  readonly #reports: Reports;
  readonly #told = new Set<string>();

  constructor({ upstream, reports }: { readonly upstream: Pick<Upstream, 'mayFetch'>; readonly reports: Reports }) {
    this.#upstream = upstream;
    this.#reports = reports;
  }

  look(project: string, files: Iterable<OwnFile>): void {
    const strange = this.#strangeOf(files);
    if ([...strange.keys()].every((host) => this.#told.has(host))) return;
    if (this.#told.size >= MOST_TOLD) this.#told.clear();
    for (const host of strange.keys()) this.#told.add(host);
    const named = [...strange].slice(0, MOST_NAMED);
    const refusal = new Refusal(
      'foreign',
      `The page of ${project} has files on hosts where this mirror may not go: ${named.map(([host, count]) => `${host} (${count})`).join(', ')}. If they are the index's own: ${named.map(([host]) => `--file-host ${host}`).join(' ')}`,
      { subject: 'page' },
    );
    this.#reports.refused({ subject: 'page', name: project }, refusal);
  }

  /** How many files each has. */
  #strangeOf(files: Iterable<OwnFile>): ReadonlyMap<string, number> {
    const known = new Map<string, boolean>();
    const strange = new Map<string, number>();
    for (const { upstream, entry } of files) {
      const origin = upstream.slice(0, upstream.indexOf('/', upstream.indexOf('//') + 2));
      const unproved = entry.digests.size === 0;
      const place = `${unproved} ${origin}`;
      let allowed = known.get(place);
      if (allowed === undefined) {
        allowed = this.#upstream.mayFetch(upstream, unproved);
        known.set(place, allowed);
      }
      if (allowed) continue;
      const { host } = new URL(upstream);
      strange.set(host, (strange.get(host) ?? 0) + 1);
    }
    return strange;
  }
}
