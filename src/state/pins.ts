import { type Algorithm, agree, type Digests } from '../bytes/digest.ts';
import { existing } from '../bytes/existing.ts';
import type { Instant } from '../bytes/instant.ts';
import type { IndexState, Known, OfferNews, Pin, PinMark, Pins, UnsavedPage } from '../ports/index-state.ts';

type ProjectPins = ReadonlyMap<string, Pin>;

/** The pins as they are to be; undefined where nothing changes. */
type Change = (pins: ProjectPins) => ProjectPins | undefined;

const NONE: ProjectPins = new Map();

/** Digests pinned at first sight, one item a project. */
export function createPins(state: Pick<IndexState, 'pins'>): Pins {
  const of = async (project: string) => (await state.pins(project).read())?.value ?? NONE;
  const changed = (project: string, make: Change, page?: UnsavedPage) =>
    state.pins(project).change((was: Known<ProjectPins> | undefined) => make(was?.value ?? NONE), page);
  const change = async (project: string, make: Change): Promise<void> => {
    await changed(project, make);
  };
  return {
    of,
    async read(project) {
      const { value = NONE, id = '' } = (await state.pins(project).read()) ?? {};
      return { pins: value, id };
    },
    add: async (project, additions, page) =>
      (await changed(project, adding(additions), page))?.value ?? (await of(project)),
    mark: async (project, marks) => (await changed(project, marked(marks)))?.value ?? (await of(project)),
    confirm: (project, files) =>
      change(
        project,
        marking(
          [...files],
          ({ provisional }) => provisional !== true,
          ({ provisional: _, ...pin }) => pin,
        ),
      ),
    async offered(project, isOffered, at) {
      let news: OfferNews = { removed: [], returned: [] };
      await change(project, (pins) => {
        news = offerNews(pins, isOffered);
        return told(pins, news, at);
      });
      return news;
    },
    addCoreMetadata: (project, file, coreMetadata) =>
      change(
        project,
        marking(
          [file],
          (pin) => pin.coreMetadata !== undefined,
          (pin) => ({ ...pin, coreMetadata }),
        ),
      ),
    replace: (project, file, pin) => change(project, replacing(new Map([[file, pin]]))),
    replaceAll: (project, others) => change(project, replacing(others)),
  };
}

/** The union of what both name, or undefined where they disagree (or nothing in common lets them agree). */
function merged(old: Digests, next: Digests): Digests | undefined {
  return agree(old, next) ? new Map<Algorithm, string>([...old, ...next]) : undefined;
}

function merge(old: Pin, next: Pin): Pin {
  const digests = merged(old.digests, next.digests);
  // Another file under the same name: what was first seen stays, whole.
  if (digests === undefined) return old;
  const coreMetadata =
    old.coreMetadata === undefined || next.coreMetadata === undefined
      ? (old.coreMetadata ?? next.coreMetadata)
      : (merged(old.coreMetadata, next.coreMetadata) ?? old.coreMetadata);
  return { ...old, digests, coreMetadata };
}

function same(a: Pin, b: Pin): boolean {
  return a.digests.size === b.digests.size && a.coreMetadata?.size === b.coreMetadata?.size;
}

const adding =
  (additions: ProjectPins): Change =>
  (pins) => {
    const news = new Map<string, Pin>();
    for (const [file, pin] of additions) {
      const old = pins.get(file);
      const result = old === undefined ? pin : merge(old, pin);
      if (old === undefined || !same(old, result)) news.set(file, result);
    }
    return news.size === 0 ? undefined : new Map([...pins, ...news]);
  };

const marked =
  (marks: readonly PinMark[]): Change =>
  (pins) => {
    const news = new Map<string, Pin>();
    for (const { file, digests, confirms } of marks) {
      const pin = news.get(file) ?? pins.get(file);
      if (pin === undefined) continue;
      // A download may end when its pin has long given way to another.
      const isProof = digests !== undefined && pin.proved !== true && agree(pin.digests, digests);
      const proved: Pin = isProof ? { ...pin, proved: true } : pin;
      const { provisional, ...confirmed } = proved;
      if (provisional === true && confirms(proved)) news.set(file, confirmed);
      else if (isProof) news.set(file, proved);
    }
    return news.size === 0 ? undefined : new Map([...pins, ...news]);
  };

function offerNews(pins: ProjectPins, isOffered: (file: string) => boolean): OfferNews {
  const removed: string[] = [];
  const returned: string[] = [];
  for (const [file, pin] of pins)
    if (pin.removed === undefined && !isOffered(file)) removed.push(file);
    else if (pin.removed !== undefined && isOffered(file)) returned.push(file);
  return { removed, returned };
}

function told(pins: ProjectPins, { removed, returned }: OfferNews, at: Instant): ProjectPins | undefined {
  if (removed.length + returned.length === 0) return undefined;
  const next = new Map(pins);
  for (const file of [...removed, ...returned]) {
    const { removed: was, ...pin } = existing(pins.get(file), 'a pin that is news has gone');
    next.set(file, was === undefined ? { ...pin, removed: at } : pin);
  }
  return next;
}

/** Files that have no pin stay without one. */
const marking =
  (files: readonly string[], done: (pin: Pin) => boolean, mark: (pin: Pin) => Pin): Change =>
  (pins) => {
    const news = new Map<string, Pin>();
    for (const file of files) {
      const pin = pins.get(file);
      if (pin !== undefined && !done(pin)) news.set(file, mark(pin));
    }
    return news.size === 0 ? undefined : new Map([...pins, ...news]);
  };

const replacing =
  (others: ProjectPins): Change =>
  (pins) => {
    const next = new Map(pins);
    for (const [file, pin] of others) {
      const old = pins.get(file);
      // One sight of a file never takes the place of a confirmed pin, whoever was quicker to confirm it.
      if (old === undefined || old.provisional === true || pin.provisional !== true) next.set(file, pin);
    }
    return [...next].every(([file, pin]) => pins.get(file) === pin) ? undefined : next;
  };
