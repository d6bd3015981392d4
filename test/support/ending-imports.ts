import type { ImportPlace } from '../../src/bundle/import/place.ts';

// Imports that end at any of their steps.

export class Killed extends Error {}

/** The same place, where step number `at` of all that it writes or switches ends so; `before`: it was not done. */
export function endingAt(
  at: number,
  error: () => Error,
  before: boolean,
): { place(own: ImportPlace): ImportPlace; steps(): number } {
  let step = 0;
  const dying = async <T>(work: () => Promise<T>): Promise<T> => {
    const dies = ++step === at;
    if (dies && before) throw error();
    const done = await work();
    if (dies) throw error();
    return done;
  };
  return {
    steps: () => step,
    place: (own) => ({
      ...own,
      store: {
        ...own.store,
        stage: (content, bytes) => dying(() => own.store.stage(content, bytes)),
        sync: (sha256) => dying(() => own.store.sync(sha256)),
      },
      carried: {
        ...own.carried,
        read: () => own.carried.read(),
        version: () => own.carried.version(),
        change: (next) => dying(() => own.carried.change(next)),
      },
      feed: { ...own.feed, take: (archive) => dying(() => own.feed.take(archive)) },
      index: { take: (taking) => dying(() => own.index.take(taking)), adopt: () => dying(() => own.index.adopt()) },
    }),
  };
}
