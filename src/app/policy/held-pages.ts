import { type Caller, internalCaller } from '../../async/caller.ts';
import { existing } from '../../bytes/existing.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Config } from '../../config/config.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import { answerOf } from '../../mirror/policy/answers.ts';
import type { KnownPage } from '../../policy/compare.ts';
import { compose } from '../compose.ts';
import { indexOf } from '../data-directory.ts';
import { noEvents } from '../no-events.ts';
import { advisoriesOf } from './rules.ts';

/** What a command sees of an index as it lies on disk: nobody is asked, and nothing is changed. */
export interface HeldPages {
  /** Every page that is held, with all of its files, as no policy sees it. */
  all(): AsyncIterable<KnownPage>;
  /** Undefined where none is held. */
  of(project: string): Promise<KnownPage | undefined>;
  readonly now: number;
}

/** For one command's time. Throws Refusal. */
export async function withHeldPages<T>(
  config: Config,
  name: string,
  run: (pages: HeldPages) => Promise<T>,
): Promise<T> {
  const index = indexOf(config, name);
  const bare: Config = { ...config, indexes: { ...config.indexes, [name]: { ...index, policy: undefined } } };
  const composition = await compose({ config: bare, emit: noEvents, reading: true });
  try {
    const mirror = existing(
      composition.indexes.find((each) => each.name === name),
      'an index that is configured was not composed',
    );
    const caller = internalCaller(name, 'explain');
    const told = advisoriesOf(config, index) !== undefined;
    const state = composition.states.get(name) ?? (await refusal(mirror, caller));
    const of = async (project: string): Promise<KnownPage | undefined> => {
      // What cannot be read of one project keeps nothing from being told of the others.
      const known = await mirror.known(project, caller).catch((error: unknown) => {
        if (!(error instanceof Refusal)) throw error;
        return undefined;
      });
      const pins = (await state.pins(project).read())?.value ?? new Map();
      const answers = (await state.answers(project).read())?.value.map((each) => answerOf(project, each));
      const contents = (await state.contents(project).read())?.value;
      const knownBad = told ? composition.advisories?.of(project) : undefined;
      return known && { page: known.page.listing, pins, facts: { answers, knownBad, contents } };
    };
    return await run({
      async *all() {
        for await (const project of state.projects('pins')) {
          const page = await of(project);
          if (page !== undefined) yield page;
        }
      },
      of,
      now: composition.clock.now(),
    });
  } finally {
    await composition.close();
  }
}

/** An index whose state cannot be used says why, whatever it is asked for. */
async function refusal(mirror: PackageIndex, caller: Caller): Promise<never> {
  await mirror.known('none', caller);
  throw new Error('an index without state has answered');
}
