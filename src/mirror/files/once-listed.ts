import { BoundedMap } from '../../bytes/bounded-map.ts';
import type { Instant } from '../../bytes/instant.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Pin } from '../../ports/index-state.ts';
import type { PageVerdict, Policy, Verdict } from '../../ports/policy.ts';
import type { JudgedFile, JudgedPage, Listing } from '../../pypi/listing.ts';
import type { ProjectPins } from '../projects/pins.ts';

interface OnceListedOptions {
  readonly policy: Pick<Policy, 'version' | 'page' | 'unlisted' | 'recall'>;
  readonly pins: Pick<ProjectPins, 'of'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** What is said of the files of a project that were seen on its page. */
export interface OnceListedFiles {
  readonly pins: ReadonlyMap<string, Pin>;
  /** Undefined for a file that was never seen listed. */
  verdictOn(filename: string): Verdict | undefined;
}

interface Judged {
  readonly listing: Listing | undefined;
  readonly pins: ReadonlyMap<string, Pin>;
  readonly policy: string;
  readonly verdict: PageVerdict;
  readonly until: Instant;
}

/** Projects whose verdict is remembered; a page may have tens of thousands of files. */
const MOST_JUDGED = 64;

/**
 * Judges what a page listed once and lists no more by every rule, as if the page still listed it: that upstream took a file away lifts
 * nothing that kept it from being served.
 */
export class OnceListed {
  readonly #options: OnceListedOptions;
  readonly #judged = new BoundedMap<Judged>({ entries: MOST_JUDGED });

  constructor(options: OnceListedOptions) {
    this.#options = options;
  }

  /** `listing`: what the page lists now; undefined where there is none. Throws Refusal `state`. */
  async of(project: string, listing: Listing | undefined): Promise<OnceListedFiles> {
    const { policy } = this.#options;
    await policy.recall?.(project);
    const pins = await this.#options.pins.of(project);
    return {
      pins,
      verdictOn: (filename) => {
        const pin = pins.get(filename);
        if (pin === undefined) return undefined;
        const byName = policy.unlisted(project, filename, pin);
        if (byName.action !== 'serve') return byName;
        const { files, others } = this.#judge(project, listing, pins);
        return files.get(filename) ?? others;
      },
    };
  }

  #judge(project: string, listing: Listing | undefined, pins: ReadonlyMap<string, Pin>): PageVerdict {
    const { policy, clock } = this.#options;
    const [version, now] = [policy.version(project), clock.now()];
    const known = this.#judged.get(project);
    const isSame = known?.listing === listing && known?.pins === pins && known.policy === version;
    if (known !== undefined && isSame && now < known.until) return known.verdict;
    const verdict = policy.page(asListed(project, listing, pins), pins, now);
    const ends = [verdict.others, ...verdict.files.values()].map(({ until }) => until ?? Number.POSITIVE_INFINITY);
    const until = ends.reduce((one, other) => Math.min(one, other));
    this.#judged.set(project, { listing, pins, policy: version, verdict, until });
    return verdict;
  }
}

/** The page with all files that were ever seen on it. */
function asListed(project: string, listing: Listing | undefined, pins: ReadonlyMap<string, Pin>): JudgedPage {
  const files = new Map<string, JudgedFile>(listing?.files);
  for (const [filename, { digests, uploadTime }] of pins)
    if (!files.has(filename))
      files.set(filename, { entry: { filename, digests, uploadTime }, path: filename, removed: true });
  return { name: project, projectStatus: listing?.projectStatus, files };
}
