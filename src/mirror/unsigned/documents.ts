import { internalCaller } from '../../async/caller.ts';
import { createFlights } from '../../async/flight.ts';
import type { Cache } from '../../bytes/bounded-map.ts';
import { lend } from '../../bytes/proof.ts';
import { Refusal } from '../../bytes/refusal.ts';
import { makeUnverifiedDocument, type UnverifiedDocument } from '../../bytes/unverified.ts';
import type { Clock, Instant } from '../../ports/clock.ts';
import type { PageRecord } from '../../ports/index-state.ts';
import type { PageWork } from '../../ports/page-work.ts';
import type { Upstream } from '../../ports/upstream.ts';
import { projectCandidates, versionOf } from '../../pypi/names.ts';
import { spellingOf } from '../../render/legacy-json.ts';
import { absent } from '../files/unlisted.ts';
import type { RelayedDocuments } from '../package-index.ts';
import type { HeldPage } from '../tuf/proof.ts';
import { isRecent } from './freshness.ts';

type Held = HeldPage & { readonly record: Pick<PageRecord, 'bytes' | 'seenSerial' | 'url'> };

interface IndexRelayOptions {
  readonly upstream: Upstream;
  /** The upstream's `/pypi/` and `/integrity/` lie under this; undefined where it has neither. */
  readonly api: string | undefined;
  readonly pages: { held(project: string): Promise<Held> };
  readonly pageUrl: (project: string) => string;
  readonly work: Pick<PageWork, 'drawLegacy'>;
  readonly clock: Clock;
  readonly cache: Cache<{ readonly document: UnverifiedDocument | 'absent'; readonly at: Instant }>;
}

const MOST_BYTES = 32 * 1024 * 1024;
/** Seconds; provenance may grow, legacy JSON changes with every upload. */
const KEPT_FOR = 300;
/** Seconds; that there is none is soon forgotten. */
const ABSENT_FOR = 60;
const INTEGRITY = 'application/vnd.pypi.integrity.v1+json';

/** Documents that nothing vouches for, fetched on demand and kept for minutes. */
export function createIndexRelay(options: IndexRelayOptions): RelayedDocuments {
  const { upstream, api, pages, pageUrl, work, clock, cache } = options;
  const flights = createFlights<UnverifiedDocument | 'absent'>();

  const fetch = async (url: string, accept: string, contentType: string): Promise<UnverifiedDocument> => {
    const kept = cache.get(url);
    const keptFor = kept?.document === 'absent' ? ABSENT_FOR : KEPT_FOR;
    const document =
      kept !== undefined && isRecent(kept.at, keptFor, clock.now())
        ? kept.document
        : await flights.join(url, internalCaller(''), async () => {
            const answer = await upstream.page(url, { accept, fresh: false, limit: MOST_BYTES });
            const found =
              answer.kind === 'page'
                ? makeUnverifiedDocument({ bytes: answer.bytes, contentType, maxAge: KEPT_FOR, serial: answer.serial })
                : 'absent';
            cache.set(
              url,
              { document: found, at: clock.now() },
              answer.kind === 'page' ? answer.bytes.byteLength : url.length,
            );
            return found;
          });
    if (document === 'absent') throw unlisted();
    return document;
  };

  return {
    async legacyJson(project, asked, base) {
      const { listing, record, withheld } = await pages.held(project);
      // Upstream is asked about versions that there are, in one spelling: else anybody could have it asked for ever.
      const version = asked === undefined ? undefined : (spellingOf(listing, asked) ?? unknown());
      const path =
        version === undefined ? `pypi/${project}/json` : `pypi/${project}/${encodeURIComponent(version)}/json`;
      const own =
        api === undefined
          ? undefined
          : await fetch(new URL(path, api).href, 'application/json', 'application/json').catch(absent);
      const document = await work.drawLegacy({
        project,
        bytes: record.bytes,
        pageUrl: record.url ?? pageUrl(project),
        listing,
        withheld: new Set(withheld.keys()),
        upstream: own && lend(own.bytes),
        version,
        base,
      });
      if (document === undefined) throw unlisted();
      // Lower where the page is older: whoever compares serials then comes again.
      return makeUnverifiedDocument({
        bytes: document,
        contentType: 'application/json',
        maxAge: KEPT_FOR,
        serial: lower(own?.serial, record.seenSerial),
      });
    },
    async provenance(project, asked, filename) {
      const { listing } = await pages.held(project);
      const listed = listing.files.get(filename)?.entry.provenance;
      if (listed === undefined || api === undefined) throw unlisted();
      const version = spellingOf(listing, asked);
      if (version === undefined || version !== spellingOf(listing, versionOf(filename, project) ?? ''))
        throw unlisted();
      const path = `integrity/${project}/${encodeURIComponent(version)}/${encodeURIComponent(filename)}/provenance`;
      return fetch(new URL(path, api).href, INTEGRITY, INTEGRITY);
    },
    async signature(path) {
      const filename = path.slice(path.lastIndexOf('/') + 1);
      for (const project of projectCandidates(filename)) {
        const held = await pages.held(project).catch(absent);
        const file = held?.listing.files.get(filename);
        // PEP 503: without a word about it there may be one.
        if (file?.path === path && file.entry.gpgSig !== false && upstream.mayFetch(file.upstream))
          return fetch(`${file.upstream}.asc`, '*/*', 'application/pgp-signature');
      }
      throw unlisted();
    },
  };
}

function lower(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

function unknown(): never {
  throw unlisted();
}

function unlisted(): Refusal {
  return new Refusal('unlisted', 'The index has no such document.', { subject: 'request' });
}
