import type { Caller } from '../../async/caller.ts';
import { createFlights, type Flights } from '../../async/flight.ts';
import { BoundedMap } from '../../bytes/bounded-map.ts';
import { agree, startSha256 } from '../../bytes/digest.ts';
import { type FirstSight, rememberSight, Sighting } from '../../bytes/first-sight.ts';
import type { Instant } from '../../bytes/instant.ts';
import { mustBe } from '../../bytes/proof.ts';
import { type Reason, Refusal } from '../../bytes/refusal.ts';
import type { Blobs } from '../../ports/blobs.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Emit } from '../../ports/events.ts';
import type { FileWork } from '../../ports/file-work.ts';
import type { OpenDownload, Upstream } from '../../ports/upstream.ts';
import { checksumsOf } from '../../pypi/inspect/inspect.ts';
import type { OwnFile } from '../../pypi/listing.ts';
import type { SightPins } from '../projects/sight-pins.ts';
import { isRecent } from '../recent.ts';
import { ifThere, type WantedFile } from './fetch.ts';

/** How files that nobody states a digest of are believed. */
export interface FirstSightRules {
  /** Up to so many bytes, a second whole fetch on a new connection has to bring the same. */
  readonly twiceUpTo: number;
  readonly fileWork: Pick<FileWork, 'inspect'>;
}

export interface FirstSightsOptions extends FirstSightRules {
  readonly index: string;
  readonly upstream: Pick<Upstream, 'download'>;
  readonly blobs: Pick<Blobs, 'sight'>;
  readonly pins: Pick<SightPins, 'of' | 'see'>;
  readonly clock: Clock;
  readonly emit: Emit;
  /** A file of this project was pinned, which its page does not say yet. */
  readonly onPinned: (project: string) => void;
}

/** What was not believed is not downloaded again for so long. Seconds. */
const REFUSED_FOR = 60;
const MOST_REFUSED = 1000;
/** Connections tried for the second fetch. */
const ATTEMPTS = 3;
/** The body broke off or did not come: another connection may do better. */
const BROKEN: ReadonlySet<Reason> = new Set(['truncated', 'slow', 'unreachable']);

interface Refused {
  readonly refusal: Refusal;
  readonly at: Instant;
}

/**
 * Files that nobody states a usable digest of. What is known of one afterwards is what its pin says, whoever made it: a file is
 * seen for the first time once, by one process, and is held to that for ever.
 */
export class FirstSights {
  readonly #options: FirstSightsOptions;
  readonly #flights: Flights<FirstSight> = createFlights();
  readonly #refused = new BoundedMap<Refused>({ entries: MOST_REFUSED });

  constructor(options: FirstSightsOptions) {
    this.#options = options;
  }

  /** What the file must be, where it was seen before; its page may not say so yet. */
  async remembered(project: string, filename: string): Promise<FirstSight | undefined> {
    const pin = (await this.#options.pins.of(project)).get(filename);
    return pin?.firstSight === true ? rememberSight(pin.digests) : undefined;
  }

  /** Fetches the file, looks into it, and pins it; once, however many ask. Throws Refusal. */
  async see(project: string, file: OwnFile, wanted: WantedFile, caller: Caller): Promise<FirstSight> {
    const key = file.path;
    const refused = this.#refused.get(refusedKey(file, wanted));
    if (refused !== undefined && isRecent(refused.at, REFUSED_FOR, this.#options.clock.now())) throw refused.refusal;
    return this.#flights.join(key, caller, async (shared) => {
      const known = await this.remembered(project, wanted.name);
      return known ?? this.#judged(project, file, wanted, shared);
    });
  }

  async #judged(project: string, file: OwnFile, wanted: WantedFile, caller: Caller): Promise<FirstSight> {
    const { index, emit, clock, onPinned } = this.#options;
    const told = { name: 'sighted', index, project, file: wanted.name } as const;
    try {
      const seen = await this.#see(project, file, wanted, caller);
      onPinned(project);
      emit({ ...told, result: 'pinned', sha256: seen.expected.digests.get('sha256') });
      return seen;
    } catch (error) {
      if (error instanceof Refusal && !error.transient && !BROKEN.has(error.reason)) {
        this.#refused.set(refusedKey(file, wanted), { refusal: error, at: clock.now() });
        emit({ ...told, result: 'refused' });
      }
      throw error;
    }
  }

  async #see(project: string, { entry }: OwnFile, wanted: WantedFile, caller: Caller): Promise<FirstSight> {
    const { index, upstream, blobs, pins, fileWork, twiceUpTo } = this.#options;
    const { name, subject, limit, urls } = wanted;
    const download = ifThere(upstream.download({ urls, unproved: true }), wanted);
    const origin = `${index} first sight of ${urls[0] ?? name}`;
    const { sighting, read } = await blobs.sight(
      { origin, limit, length: entry.size, name, subject },
      download,
      caller,
    );
    const { sha256, size } = mustBe(Sighting, sighting);
    await fileWork.inspect({ filename: name, size, weak: entry.weak, read }, caller);
    // What has no checksums of its own has nothing but a second look.
    if (size <= twiceUpTo || checksumsOf(name) === 'none') await this.#lookAgain(sighting, wanted, caller);
    const pin = await pins.see(project, name, sha256);
    if (!agree(pin.digests, new Map([['sha256', sha256]])))
      throw new Refusal('changed', `${name} was pinned with other bytes while it was looked at here.`, { subject });
    return rememberSight(pin.digests);
  }

  /** A second whole fetch on a new connection must bring the same bytes. */
  async #lookAgain(sighting: Sighting, wanted: WantedFile, caller: Caller): Promise<void> {
    const { upstream } = this.#options;
    const { name, subject, urls } = wanted;
    for (let attempt = 1; ; attempt++)
      try {
        const sha256 = await hashed(
          upstream.download({ urls, unproved: true }),
          sighting.size,
          attempt + 1,
          wanted,
          caller,
        );
        if (sha256 === sighting.sha256) return;
        throw new Refusal('changed', `Two fetches of ${name} brought different bytes; nobody states which are right.`, {
          subject,
        });
      } catch (error) {
        if (!(error instanceof Refusal) || !BROKEN.has(error.reason) || attempt === ATTEMPTS) throw error;
      }
  }
}

/** Behind another link lies what has not been looked at yet. */
function refusedKey({ path }: OwnFile, { urls }: WantedFile): string {
  return `${path} ${urls.join(' ')}`;
}

/** The sha256 of a body that came whole, of at most `size` bytes. */
async function hashed(
  open: OpenDownload,
  size: number,
  attempt: number,
  { name, subject }: WantedFile,
  caller: Caller,
): Promise<string> {
  const hash = startSha256();
  try {
    const { bytes, unframed } = await open({ offset: 0, limit: size, attempt, caller });
    for await (const part of bytes) hash.update(part);
    if (unframed === true)
      throw new Refusal('truncated', `${name} came without a length, so nobody can tell whether it was cut.`, {
        subject,
      });
  } catch (error) {
    if (!(error instanceof Refusal) || error.reason !== 'limit' || error.transient) throw error;
    throw new Refusal('changed', `A second fetch of ${name} brought more bytes than the first.`, {
      subject,
      cause: error,
    });
  }
  return hash.hex();
}
