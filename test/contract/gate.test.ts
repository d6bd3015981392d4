import { describe, expect, it } from 'vitest';
import type { Caller } from '../../src/async/caller.ts';
import { createGate, type Gate, type GateOptions } from '../../src/async/gate.ts';
import { GATE_CASES, gateContract, type MakeGate } from './gate.ts';

gateContract('the one of async', createGate);

interface Misbehaviour {
  readonly does: string;
  readonly caughtBy: string;
  readonly make: MakeGate;
}

/** A gate whose `enter` is another. */
function entering(
  enter: (gate: Gate, options: GateOptions, ...asked: Parameters<Gate['enter']>) => ReturnType<Gate['enter']>,
): MakeGate {
  return (options) => {
    const gate = createGate(options);
    return {
      enter: (caller, cost) => enter(gate, options, caller, cost),
      get usage() {
        return gate.usage;
      },
      report: () => gate.report(),
    };
  };
}

/** A gate that takes its callers for others. */
function asking(change: (caller: Caller) => Caller): MakeGate {
  return entering((gate, _, caller, cost) => gate.enter(change(caller), cost));
}

function deciding(change: (options: GateOptions) => GateOptions): MakeGate {
  return (options) => createGate(change(options));
}

const NEVER = new AbortController().signal;
/** As it was when it asked: what changes later is not seen. */
const frozen = (caller: Caller): Caller => ({ ...caller, onChange: undefined });
const withoutShare = (level: 'index' | 'party' | 'connection' | 'background') =>
  deciding((options) => ({ ...options, shares: { ...options.shares, [level]: undefined } }));
const later = () => new Promise((resolve) => setImmediate(resolve));

const MISBEHAVIOURS: readonly Misbehaviour[] = [
  {
    does: 'lets one too many in',
    caughtBy: 'never more are inside than there are places; who waits gets the next one',
    make: deciding((options) => ({ ...options, places: options.places + 1 })),
  },
  {
    does: 'lets any number wait',
    caughtBy: 'one that finds the queue full is refused in words, and may come again',
    make: deciding((options) => ({ ...options, queue: Number.POSITIVE_INFINITY })),
  },
  {
    does: 'refuses without saying why',
    caughtBy: 'one that finds the queue full is refused in words, and may come again',
    make: entering((gate, _, caller, cost) =>
      gate.enter(caller, cost).catch(() => {
        throw new Error('busy');
      }),
    ),
  },
  {
    does: 'takes a place for a place in the queue',
    caughtBy: 'where nobody may wait, a free place is still given out',
    make: entering(async (gate, { queue, full }, caller, cost) => {
      if (queue === 0) throw new Error(full);
      return gate.enter(caller, cost);
    }),
  },
  {
    does: 'lets in a moment later',
    caughtBy: 'a place that is free is taken before enter returns',
    make: entering(async (gate, _, caller, cost) => {
      await later();
      return gate.enter(caller, cost);
    }),
  },
  {
    does: 'lets wait for ever',
    caughtBy: 'who waited too long is refused in words',
    make: deciding((options) => ({ ...options, longestWait: undefined })),
  },
  {
    does: 'takes another place back when somebody leaves twice',
    caughtBy: 'leaving twice gives one place back',
    make: (options) => {
      const gate = createGate(options);
      const inside: (() => void)[] = [];
      return {
        async enter(caller, cost) {
          inside.push(await gate.enter(caller, cost));
          return () => inside.pop()?.();
        },
        get usage() {
          return gate.usage;
        },
        report: () => gate.report(),
      };
    },
  },
  {
    does: 'lets in who has left',
    caughtBy: 'who has left is refused with its own reason, even where places are free',
    make: asking((caller) => (caller.signal.aborted ? { ...frozen(caller), signal: NEVER } : caller)),
  },
  {
    does: 'keeps the place of who left the queue',
    caughtBy: 'who leaves the queue frees its place in it at once, and takes nothing along',
    make: asking((caller) => ({ ...frozen(caller), signal: NEVER })),
  },
  {
    does: 'takes the place away when who holds it leaves',
    caughtBy: 'who leaves after it came in keeps its place until it gives it back',
    make: entering(async (gate, _, caller, cost) => {
      const leave = await gate.enter(caller, cost);
      caller.signal.addEventListener('abort', leave, { once: true });
      return leave;
    }),
  },
  {
    does: 'lets every second one wait a moment longer',
    caughtBy: 'of one connection, who came first goes first',
    make: (options) => {
      let count = 0;
      return entering((gate, _, caller, cost) =>
        count++ % 2 === 0
          ? gate.enter(caller, cost)
          : later()
              .then(later)
              .then(() => gate.enter(caller, cost)),
      )(options);
    },
  },
  {
    does: 'knows no priority',
    caughtBy: 'clients go before background work',
    make: asking((caller) => ({ ...frozen(caller), priority: 'client' })),
  },
  {
    does: 'knows no indexes',
    caughtBy: 'indexes have their turns one after the other',
    make: asking((caller) => ({ ...frozen(caller), index: '' })),
  },
  {
    does: 'knows no parties',
    caughtBy: 'parties have their turns one after the other',
    make: asking((caller) => ({ ...frozen(caller), party: '' })),
  },
  {
    does: 'knows no connections',
    caughtBy: 'connections have their turns one after the other',
    make: asking((caller) => ({ ...frozen(caller), connection: undefined })),
  },
  {
    does: 'gives a party one turn for all indexes',
    caughtBy: 'a party of two indexes has its turns in each',
    make: asking((caller) => ({ ...frozen(caller), index: caller.party, party: caller.index })),
  },
  {
    does: 'lets those wait longer that it knows',
    caughtBy: 'of who holds nothing and waits for nothing, nothing is remembered',
    make: (options) => {
      const known = new Set<string>();
      return entering(async (gate, _, caller, cost) => {
        if (known.has(caller.party)) await later().then(later);
        known.add(caller.party);
        return gate.enter(caller, cost);
      })(options);
    },
  },
  {
    does: 'reads the priority when it is asked, and no more',
    caughtBy: 'a priority that rose while it waited counts, though nobody was told',
    make: asking(frozen),
  },
  ...(['index', 'party', 'connection'] as const).map((level) => ({
    does: `knows no share of one ${level}`,
    caughtBy: `the share of one ${level} limits it where another waits, and only there`,
    make: withoutShare(level),
  })),
  {
    does: 'limits a share where nobody else waits',
    caughtBy: 'the share of one party limits it where another waits, and only there',
    make: deciding((options) => ({ ...options, places: Math.min(options.places, options.shares?.party ?? Infinity) })),
  },
  {
    does: 'holds a large request against its share',
    caughtBy: 'who holds nothing is never beyond its share, however much it takes',
    make: entering((gate, { shares }, caller, cost = 1) =>
      gate.enter(
        caller.party === 'three' && cost > (shares?.party ?? cost) ? { ...caller, priority: 'background' } : caller,
        cost,
      ),
    ),
  },
  {
    does: 'gives background work every place',
    caughtBy: 'background work leaves the rest of the places free, and clients find them so',
    make: withoutShare('background'),
  },
  {
    does: 'looks at a priority that rose only when somebody leaves',
    caughtBy: 'work that a client joins takes a place that is kept from background work, at once',
    make: asking((caller) => {
      const { index, party, signal } = caller;
      return {
        index,
        party,
        signal,
        get priority() {
          return caller.priority;
        },
      };
    }),
  },
  {
    does: 'counts everybody as one',
    caughtBy: 'one that takes several places waits for all of them, and small ones do not overtake it',
    make: entering((gate, _, caller) => gate.enter(caller)),
  },
  {
    does: 'does not look who is next when one leaves the queue',
    caughtBy: 'when one that waits for several places leaves, those behind it come in',
    make: entering((gate, _, caller, cost = 1) => {
      if (cost === 1) return gate.enter(caller, cost);
      gate.enter({ ...frozen(caller), signal: NEVER }, cost).catch(() => undefined);
      return new Promise((_, reject) => caller.signal.addEventListener('abort', () => reject(caller.signal.reason)));
    }),
  },
  {
    does: 'refuses who takes more than there is',
    caughtBy: 'one that takes more places than there are takes all of them',
    make: entering(async (gate, { places }, caller, cost = 1) => {
      if (cost > places) throw new Error('too much');
      return gate.enter(caller, cost);
    }),
  },
  ...[
    'a full queue has room for a client: the newest background work makes it',
    'a full queue has room for who has little in it: who has most makes it',
  ].map((caughtBy) => ({
    does: 'refuses whoever comes last',
    caughtBy,
    make: entering(async (gate, { queue, full }, caller, cost) => {
      if (gate.usage.waiting >= queue) throw new Error(full);
      return gate.enter(caller, cost);
    }),
  })),
  {
    does: 'loses a place now and then, where two things happen in one step',
    caughtBy: 'on no day, whatever comes in between, is a place lost, or given to nobody while somebody waits',
    make: entering(async (gate, _, caller, cost) => {
      const leave = await gate.enter({ ...frozen(caller), signal: NEVER }, cost);
      // It came in, and had left just before: nobody gives this place back.
      caller.signal.throwIfAborted();
      return leave;
    }),
  },
];

describe('the contract of a gate notices one that', () => {
  it.each(MISBEHAVIOURS)('$does', async ({ caughtBy, make }) => {
    const found = GATE_CASES.find(({ name }) => name === caughtBy);
    if (found === undefined) throw new Error(`no case is called ${caughtBy}`);
    await expect(found.run(make)).rejects.toThrow();
  });

  it('every case of it catches something', () => {
    const caught = new Set(MISBEHAVIOURS.map(({ caughtBy }) => caughtBy));
    expect(GATE_CASES.map(({ name }) => name).filter((name) => !caught.has(name))).toEqual([]);
  });
});
