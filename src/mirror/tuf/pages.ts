import { internalCaller } from '../../async/caller.ts';
import { createFlights } from '../../async/flight.ts';
import type { Cache } from '../../bytes/bounded-map.ts';
import type { Expected } from '../../bytes/expected.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Events } from '../../ports/events.ts';
import type { Pins } from '../../ports/index-state.ts';
import type { PageWork, Pinned } from '../../ports/page-work.ts';
import type { IndexLayout } from '../../presets/target-layout.ts';
import type { Listing } from '../../pypi/listing.ts';
import { makePage, type Page } from '../../render/page.ts';
import type { Visit } from '../../tuf/delegation.ts';
import type { Generation } from '../../tuf/stages.ts';
import type { FetchProved } from '../files/fetch.ts';
import { LIMITS } from '../limits.ts';
import { holdToPins } from '../projects/pins.ts';
import type { Keeper } from './keeper.ts';
import { evenIfMovedOn } from './moved-on.ts';
import { carryOver, type ProvedPage, proofOf, weigh } from './proof.ts';
import type { Roles, Search } from './roles.ts';

interface PagesOptions {
  readonly index: string;
  readonly layout: IndexLayout;
  readonly keeper: Keeper;
  readonly roles: Roles;
  readonly fetchProved: FetchProved;
  readonly pins: Pins;
  readonly work: PageWork;
  /** True where upstream may put other bytes under a name it used before. */
  readonly reuploads: boolean;
  readonly clock: Clock;
  readonly events: Events;
  readonly cache: Cache<ProvedPage>;
}

export interface Pages {
  /** The page if it may be served this instant; no I/O. */
  warm(project: string): Page | undefined;
  /** Proved, relinked, rendered; throws `unlisted` where the metadata provably has no such project. */
  held(project: string): Promise<ProvedPage>;
  /** Entries left out or withheld since start, by why. */
  readonly leftOut: ReadonlyMap<string, number>;
}

export function createPages(options: PagesOptions): Pages {
  const { index, layout, keeper, roles, fetchProved, pins, work, clock, events, cache } = options;
  const flights = createFlights<ProvedPage>();
  const leftOut = new Map<string, number>();

  /** The kept page while its proof holds; carried over to the current generation where nothing on its chain changed. */
  const current = (project: string): ProvedPage | undefined => {
    const generation = keeper.warm();
    const kept = cache.get(project);
    if (generation === undefined || kept === undefined) return undefined;
    const now = clock.now();
    if (kept.proof.expires <= now || (kept.redrawAt !== undefined && kept.redrawAt <= now)) return undefined;
    if (kept.proof.generation === generation) return kept;
    const proof = carryOver(kept.proof, generation);
    if (proof === undefined) return undefined;
    const carried = { ...kept, proof };
    cache.set(project, carried, weigh(carried));
    return carried;
  };

  /** Targets of entries whose page states no usable digest (DataDog's bare anchors), and the roles they rest on. */
  const signedFiles = async (
    project: string,
    undigested: readonly string[],
    generation: Generation,
  ): Promise<SignedFiles> => {
    const known = new Map<string, Expected>();
    const visits = new Map<string, Visit>();
    for (const filename of undigested) {
      const target = layout.fileTarget({ project, filename });
      if (target === undefined) continue;
      const found = await roles.find(target);
      if (found.generation !== generation)
        throw new Refusal('mix-and-match', 'The signed metadata was replaced while the page was being proved.', {
          subject: 'page',
        });
      for (const visit of found.visited) visits.set(visit.by?.name ?? 'targets', visit);
      if (visits.size > LIMITS.rolesPerPage)
        throw new Refusal(
          'limit',
          `The page of ${project} needs more than ${LIMITS.rolesPerPage} metadata files to prove its files.`,
          { subject: 'page' },
        );
      if (found.target !== undefined && found.target.digests.size > 0) known.set(filename, found.target);
    }
    return { known, visited: [...visits.values()] };
  };

  const pin = async (listing: Listing): Promise<Pinned> => {
    if (options.reuploads) return { listing, withheld: new Map(), silenced: new Map() };
    const pinned = await holdToPins(pins, listing, clock.now());
    for (const [name, { reason, subject = 'file', message }] of [...pinned.withheld, ...pinned.silenced])
      events.rejected({ index, reason, subject, name, message, at: 'upstream' });
    return pinned;
  };

  const draw = async (project: string, search: Search, source: string, bytes: Uint8Array): Promise<ProvedPage> => {
    const { generation } = search;
    let visited: readonly Visit[] = [];
    let complete = true;
    const { bodies, listing, withheld } = await work.drawPage(
      { project, bytes, pageUrl: layout.pageUrl(project) },
      {
        async known(undigested) {
          const signed = await signedFiles(project, undigested, generation);
          visited = signed.visited;
          return signed.known;
        },
        async hold(whole) {
          const pinned = await pin(whole);
          complete = pinned.withheld.size === 0 && pinned.silenced.size === 0;
          return pinned;
        },
      },
    );
    for (const [why, count] of listing.leftOut) leftOut.set(why, (leftOut.get(why) ?? 0) + count);
    const proof = proofOf(generation, [...search.visited, ...visited]);
    const redrawAt = complete ? undefined : clock.now() + WITHHELD_FOR;
    return { page: makePage(bodies), listing, withheld, source, bare: visited.length > 0, redrawAt, proof };
  };

  const load = async (project: string): Promise<ProvedPage> => {
    const target = layout.pageTarget(project);
    if (target === undefined) throw new Refusal('unlisted', 'This index has no project pages.', { subject: 'page' });
    const search = await roles.find(target);
    if (search.target === undefined) {
      // Nothing older may stand in later for what is provably gone.
      cache.delete(project);
      throw new Refusal('unlisted', `The signed metadata lists no project called ${project}.`, { subject: 'page' });
    }
    const kept = cache.get(project);
    const blob = await fetchProved({
      name: project,
      subject: 'page',
      expected: search.target,
      limit: LIMITS.page,
      urls: layout.urls(target, search.target.digests, search.generation.root.signed.consistentSnapshot),
    });
    const next =
      kept?.source === blob.sha256 && !kept.bare && kept.redrawAt === undefined
        ? { ...kept, proof: proofOf(search.generation, search.visited) }
        : await draw(project, search, blob.sha256, await blob.bytes(LIMITS.page));
    cache.set(project, next, weigh(next));
    return next;
  };

  /** The last proved page stands in while its own chain is unexpired: a gap here would send pip to another index. */
  const lastProved = (project: string, error: unknown): ProvedPage | undefined => {
    const kept = cache.get(project);
    if (kept === undefined || !(error instanceof Refusal) || error.reason === 'unlisted') return undefined;
    const { generation, expires } = kept.proof;
    const now = clock.now();
    const alive = [generation.root, generation.timestamp, generation.snapshot].every(
      ({ signed }) => signed.expires > now,
    );
    return alive && expires > now && error.reason !== 'clock' ? kept : undefined;
  };

  return {
    warm(project) {
      const kept = current(project);
      if (kept !== undefined) events.served({ index, kind: 'page', how: 'memory' });
      return kept?.page;
    },
    async held(project) {
      const kept = current(project);
      if (kept !== undefined) return kept;
      try {
        return await flights.join(project, internalCaller(index), () => evenIfMovedOn(keeper, () => load(project)));
      } catch (error) {
        const stale = lastProved(project, error);
        if (stale === undefined) throw error;
        events.note({
          index,
          message: 'the last proved page is served, because the new one could not be',
          detail: { project },
        });
        return stale;
      }
    },
    leftOut,
  };
}

/** Seconds after which a page that lacks something is drawn again. */
const WITHHELD_FOR = 60;

interface SignedFiles {
  readonly known: ReadonlyMap<string, Expected>;
  readonly visited: readonly Visit[];
}
