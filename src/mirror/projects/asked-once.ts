import type { Caller } from '../../async/caller.ts';
import type { Clock } from '../../ports/clock.ts';
import { Superseded } from '../../ports/index-state.ts';
import type { Lease } from '../../ports/lease.ts';
import type { Believed } from '../believed.ts';
import type { Evidence } from '../evidence.ts';
import { inTurn } from '../in-turn.ts';
import { SUPERSEDED_MOST } from '../limits.ts';
import type { Kept } from './remembered.ts';

/** The list of all projects is tens of megabytes; a page is not. Milliseconds. */
const PATIENCE_MS = { list: 60_000, page: 10_000 };

interface AskedOnce<P, V, T> {
  readonly name: string;
  readonly kept: Kept<P, V> | undefined;
  readonly caller: Caller;
  /** Stores what is believed and draws it. */
  readonly believe: (believed: Believed<P>) => Promise<T>;
}

interface Asking<P> {
  readonly index: string;
  readonly subject: keyof typeof PATIENCE_MS;
  readonly evidence: Evidence<P>;
  readonly clock: Clock;
  /** Among the processes that share what is stored; undefined where there is one. */
  readonly lease?: Lease | undefined;
}

/**
 * Asks upstream and believes what it says. Where another process asks for the same at this moment, what that one stored is believed, so that upstream is
 * asked once; of what is doubted only a word of upstream's will do.
 */
export async function askedOnce<P, V, T>(options: Asking<P>, asked: AskedOnce<P, V, T>): Promise<T> {
  const { index, subject, evidence, clock } = options;
  const { name, kept, caller, believe } = asked;
  const since = clock.now();
  const isShared = evidence.recall !== undefined && kept?.doubted !== true;
  const found = await inTurn<{ readonly of: T }>(caller, {
    lease: isShared ? options.lease : undefined,
    key: `${subject} ${JSON.stringify([index, name])}`,
    patienceMs: PATIENCE_MS[subject],
    work: async () => ({ of: await askAndBelieve(evidence, asked) }),
    async done() {
      const believed = await evidence.recall?.(name);
      if (believed?.source === undefined || !isNews(believed)) return undefined;
      return { of: await believe(believed) };
    },
  });
  return found.of;

  /** Where nothing was held, whatever may be served; else what upstream stood by since, and after what was held: a clock of seconds does not tell the two apart. */
  function isNews(believed: Believed<P>): boolean {
    const { standing } = evidence.standing(believed);
    if (standing === 'stale-if-error' || standing === 'expired') return false;
    if (kept === undefined) return true;
    const age = evidence.life(believed)?.age;
    const heldAge = evidence.life(kept.drawing.believed)?.age;
    return age !== undefined && heldAge !== undefined && age < heldAge && age <= clock.now() - since;
  }
}

/** Again where somebody else changed what is stored before upstream's word could be. */
async function askAndBelieve<P, V, T>(
  evidence: Pick<Evidence<P>, 'ask'>,
  { name, kept, caller, believe }: AskedOnce<P, V, T>,
): Promise<T> {
  for (let again = 0; ; again++) {
    const believed = await evidence.ask(name, kept?.drawing.believed, caller, kept?.doubted);
    try {
      return await believe(believed);
    } catch (error) {
      if (!(error instanceof Superseded) || again === SUPERSEDED_MOST) throw error;
    }
  }
}
