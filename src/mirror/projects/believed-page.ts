import type { Statement } from '../../bytes/digest.ts';
import { type Expected, makeExpected } from '../../bytes/expected.ts';
import { Refusal, type Subject } from '../../bytes/refusal.ts';
import { type LeftOutFile, leftOutWhy } from '../../ports/left-out.ts';
import type { PageVerdict, RuleWord } from '../../ports/policy.ts';
import type { Listing, OwnFile } from '../../pypi/listing.ts';
import type { Page } from '../../render/page.ts';
import type { Believed } from '../believed.ts';
import { coreMetadataOf } from './pin-states.ts';

interface Parts<P> {
  readonly believed: Believed<P>;
  readonly page: Page;
  /** As it is served. */
  readonly listing: Listing;
  /** Files whose pins forbid them, by name. */
  readonly withheld: ReadonlyMap<string, Refusal>;
  readonly verdict: PageVerdict;
}

let make: <P>(parts: Parts<P>) => BelievedPage<P>;

/** A project page as it is served: drawn from a belief, enforced by pins and policy. */
export class BelievedPage<P> {
  readonly #parts: Parts<P>;

  private constructor(parts: Parts<P>) {
    this.#parts = parts;
  }

  static {
    make = (parts) => new BelievedPage(parts);
  }

  static is(value: unknown): value is BelievedPage<unknown> {
    return typeof value === 'object' && value !== null && #parts in value;
  }

  get project(): string {
    return this.#parts.believed.name;
  }

  get believed(): Believed<P> {
    return this.#parts.believed;
  }

  get page(): Page {
    return this.#parts.page;
  }

  /** Without the files that are not served. */
  get listing(): Listing {
    return this.#parts.listing;
  }

  /** Names of files that upstream lists and this page does not. */
  get withheld(): ReadonlySet<string> {
    const hidden = [...this.#parts.verdict.files].filter(([, { action }]) => action !== 'serve').map(([name]) => name);
    return new Set([...this.#parts.withheld.keys(), ...hidden]);
  }

  /** Upstream's lines that this page does not pass on, by name and why; the first of very many. */
  leftOut(): readonly LeftOutFile[] {
    const { listing, withheld } = this.#parts;
    return [
      ...listing.leftOut.lines,
      ...[...withheld].map(([name, { reason }]) => ({ name, why: leftOutWhy(reason) })),
    ];
  }

  /** What rules say of the page, or of one file of it, whether or not it is served. */
  told(filename?: string): readonly RuleWord[] {
    const { told } = this.#parts.verdict;
    if (filename === undefined) return told;
    const own = told.filter((each) => each.filename === filename);
    const isOwn = ({ rule }: RuleWord) => own.some((each) => each.rule === rule);
    return [...own, ...told.filter((each) => each.filename === undefined && !isOwn(each))];
  }

  /** Why this file of the project is not served, listed or not; undefined where nothing forbids it. */
  refusal(filename: string): Refusal | undefined {
    const { verdict, withheld } = this.#parts;
    const { files, others } = verdict;
    const judged = files.get(filename) ?? others;
    return judged.action === 'serve' ? withheld.get(filename) : judged.refusal(filename);
  }

  /** The file as the page lists it; throws why it is not served. */
  file(filename: string): OwnFile | undefined {
    const refusal = this.refusal(filename);
    if (refusal !== undefined) throw refusal;
    return this.listing.files.get(filename);
  }

  /** What the file's bytes must be: what the page lists and what `vouched` says besides, which may not contradict it. */
  expect({ entry }: OwnFile, vouched: Statement | undefined): Expected {
    return both(entry.filename, 'file', { length: entry.size, digests: entry.digests }, vouched);
  }

  /** The same of its core metadata (PEP 658); throws `unlisted` where the page announces none. */
  expectCoreMetadata({ entry }: OwnFile, vouched: Statement | undefined): Expected {
    const announced = coreMetadataOf(entry);
    if (announced === undefined)
      throw new Refusal('unlisted', `The index announces no core metadata for ${entry.filename}.`, {
        subject: 'core-metadata',
      });
    return both(`${entry.filename}.metadata`, 'core-metadata', { digests: announced }, vouched);
  }

  /** The same page under another belief of the same bytes. */
  under(believed: Believed<P>): BelievedPage<P> {
    if (believed.source?.sha256 !== this.believed.source?.sha256) throw new TypeError('The belief is of other bytes.');
    return make({ ...this.#parts, believed, page: this.page.at(believed.source?.serial) });
  }
}

/** Only mirror/projects/draw.ts may import this. */
export function makeBelievedPage<P>(parts: Parts<P>): BelievedPage<P> {
  return make(parts);
}

function both(filename: string, subject: Subject, listed: Statement, vouched: Statement | undefined): Expected {
  const all = vouched === undefined ? makeExpected(listed) : makeExpected(listed).and(makeExpected(vouched));
  if (all === undefined)
    throw new Refusal('mix-and-match', `The project page and the file's own signed entry disagree about ${filename}.`, {
      subject,
    });
  return all;
}
