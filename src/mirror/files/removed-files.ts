import type { Caller } from '../../async/caller.ts';
import { secondsSince } from '../../async/elapsed.ts';
import { BoundedMap } from '../../bytes/bounded-map.ts';
import { type Expected, makeExpected } from '../../bytes/expected.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Blob } from '../../ports/blob.ts';
import type { Blobs } from '../../ports/blobs.ts';
import type { Pin } from '../../ports/index-state.ts';
import { absent } from '../absence.ts';
import type { BelievedPage } from '../projects/believed-page.ts';
import type { ProjectPins } from '../projects/pins.ts';
import type { Reports } from '../projects/reports.ts';
import type { SeenQuarantines } from '../seen-quarantines.ts';
import { type Addressed, type FileAddress, METADATA, readAddress, unlisted } from './addresses.ts';
import { type FileAnswer, makeFileAnswer } from './file-answer.ts';
import type { OnceListed } from './once-listed.ts';

interface RemovedFilesOptions {
  readonly pages: { get(project: string, caller: Caller): Promise<BelievedPage<unknown>> };
  readonly pins: Pick<ProjectPins, 'of'>;
  readonly onceListed: Pick<OnceListed, 'of'>;
  readonly blobs: Pick<Blobs, 'stored' | 'open'>;
  readonly quarantines: Pick<SeenQuarantines, 'has'> | undefined;
  readonly reports: Pick<Reports, 'served' | 'noted'>;
}

/** Files told of once; forgetting costs one more line. */
const MOST_TOLD = 10_000;

/**
 * What upstream removed, and this mirror holds and had proved: served on by its address where the operator asked for that. Nothing is
 * fetched for it. What is or was in quarantine, and what upstream lists and this mirror leaves out, is none of it.
 */
export class RemovedFiles {
  readonly #options: RemovedFilesOptions;
  readonly #told = new BoundedMap<true>({ entries: MOST_TOLD });

  constructor(options: RemovedFilesOptions) {
    this.#options = options;
  }

  /** Undefined where it is no such file. Throws Refusal, `policy` where it is one that must not be served. */
  async find(address: FileAddress, caller: Caller): Promise<FileAnswer | undefined> {
    const asked = readAddress(address);
    const { filename, metadata, projects } = asked;
    for (const project of projects) {
      const pin = (await this.#options.pins.of(project)).get(filename);
      const digests = pin !== undefined && wasProved(pin) ? asked.digestsOf(pin.digests) : undefined;
      const wanted = digests && metadata ? pin?.coreMetadata : digests;
      const expected = wanted && makeExpected({ digests: wanted });
      if (expected === undefined || !(await this.#options.blobs.stored(expected))) continue;
      if (await this.#isRemoved(project, filename, caller)) return this.#answer(project, asked, expected);
    }
    return undefined;
  }

  /** Files of a project that are served so; `page`: the project's, where it has one. */
  async of(project: string, page: BelievedPage<unknown> | undefined): Promise<readonly string[]> {
    const { onceListed, blobs } = this.#options;
    if (page === undefined && (await this.#wasQuarantined(project))) return [];
    const found: string[] = [];
    const { pins, verdictOn } = await onceListed.of(project, page?.listing);
    for (const [filename, pin] of pins) {
      const isOut = page === undefined || isRemovedFrom(page, filename);
      if (!isOut || !wasProved(pin) || verdictOn(filename)?.action !== 'serve') continue;
      if (await blobs.stored(makeExpected({ digests: pin.digests }))) found.push(filename);
    }
    return found;
  }

  async #isRemoved(project: string, filename: string, caller: Caller): Promise<boolean> {
    const { pages, onceListed } = this.#options;
    const page = await pages.get(project, caller).catch(absent);
    if (page !== undefined && !isRemovedFrom(page, filename)) return false;
    if (page === undefined && (await this.#wasQuarantined(project))) throw quarantined(project, filename);
    const verdict = (await onceListed.of(project, page?.listing)).verdictOn(filename);
    if (verdict !== undefined && verdict.action !== 'serve') throw verdict.refusal(filename);
    return verdict !== undefined;
  }

  async #wasQuarantined(project: string): Promise<boolean> {
    return (await this.#options.quarantines?.has(project)) === true;
  }

  #answer(project: string, { filename: file, metadata }: Addressed, expected: Expected): FileAnswer {
    const { blobs, reports } = this.#options;
    const filename = metadata ? file + METADATA : file;
    const asked = performance.now();
    const tell = () => {
      reports.served('removed', 'disk', secondsSince(asked));
      const key = `${project} ${filename}`;
      if (this.#told.has(key)) return;
      this.#told.set(key, true);
      reports.noted('upstream removed a file, and it is served on from what is held (removed: serve)', {
        project,
        file: filename,
      });
    };
    let isTold = false;
    return makeFileAnswer({
      filename,
      project: metadata ? undefined : project,
      size: undefined,
      sha256: expected.digests.get('sha256'),
      stored: true,
      removed: true,
      async open(): Promise<Blob> {
        const blob = await blobs.open(expected);
        // It may have been evicted, or found damaged, since.
        if (blob === undefined) throw unlisted(filename);
        if (!isTold) tell();
        isTold = true;
        return blob;
      },
    });
  }
}

/** Whether its page neither lists it, nor leaves it out for a reason. Of very many lines left out only the first are known by name. */
function isRemovedFrom(page: BelievedPage<unknown>, filename: string): boolean {
  const { files, leftOut } = page.listing;
  const count = [...leftOut.counts.values()].reduce((sum, each) => sum + each, 0);
  const isLeftOut = count > leftOut.lines.length || leftOut.lines.some(({ name }) => name === filename);
  return !files.has(filename) && !isLeftOut && page.refusal(filename) === undefined;
}

function wasProved({ provisional, proved }: Pin): boolean {
  return provisional !== true || proved === true;
}

function quarantined(project: string, filename: string): Refusal {
  return new Refusal(
    'policy',
    `The index had quarantined ${project} before it disappeared, so ${filename} is not served.`,
    { subject: 'file' },
  );
}
