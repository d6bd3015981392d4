import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { withDirectory } from '../support/index.ts';
import { VERBATIM } from '../support/processes.ts';
import { compare, type Log, median, microseconds, milliseconds, type Row } from '../support/table.ts';
import { withBuild } from './build.ts';
import { clientCommands } from './client.ts';
import { coldAnswers } from './cold.ts';
import type { Group, Side } from './side.ts';
import { stateStart } from './state-start.ts';
import { warmAnswers, warmTls } from './warm.ts';

/** Each is started as often, for how fast one process of node is, is decided as it warms up. */
const ROUNDS = 5;
const LIMIT = 1.05;

const GROUPS: Readonly<Record<string, () => Promise<Group>>> = {
  warm: warmAnswers,
  tls: warmTls,
  client: clientCommands,
  cold: coldAnswers,
  start: stateStart,
};
export const GROUP_NAMES = Object.keys(GROUPS);

interface Figures {
  readonly before: number[];
  readonly after: number[];
}

/**
 * The CPU of another build and of this one, in turns, A B A B …; medians of five. In every round each build has a process
 * of its own, both are alive, and each figure is taken of one and then of the other.
 */
export function compareBuilds(of: string, names: readonly string[], log: Log): Promise<readonly Row[]> {
  return withBuild(of, log, async (before) => {
    const rows: Row[] = [];
    for (const name of names) {
      const group = await GROUPS[name]?.();
      if (group === undefined) throw new Error(`there is no group ${name}`);
      const taken = new Map<string, Figures>();
      try {
        for (let round = 1; round <= ROUNDS; round++) {
          log(`compare: ${name}, round ${round} of ${ROUNDS}`);
          await takeRound(group, before, taken);
        }
      } finally {
        await group.close();
      }
      rows.push(...[...taken].map(([what, figures]) => rowOf(what, of, figures)));
    }
    return rows;
  });
}

function takeRound(group: Group, before: string, taken: Map<string, Figures>): Promise<void> {
  return withDirectory(async (directory) => {
    const open = (program: string, name: string) => {
      const own = join(directory, name);
      mkdirSync(own);
      return group.open(program, own);
    };
    const sides: Side[] = [];
    try {
      const [one, other] = [
        await open(before, 'before').then(kept(sides)),
        await open(VERBATIM, 'after').then(kept(sides)),
      ];
      for (const [what, take] of one.figures) {
        const figures = taken.get(what) ?? { before: [], after: [] };
        taken.set(what, figures);
        figures.before.push(await take());
        figures.after.push((await other.figures.get(what)?.()) ?? Number.NaN);
      }
    } finally {
      for (const side of sides) await side.stop();
    }
  });
}

function kept(sides: Side[]): (side: Side) => Side {
  return (side) => {
    sides.push(side);
    return side;
  };
}

function rowOf(what: string, of: string, figures: Figures): Row {
  const [before, after] = [median(figures.before), median(figures.after)];
  return compare({
    what,
    ours: after,
    beside: [of, before],
    show: after < 1 ? microseconds : milliseconds,
    atMost: LIMIT,
  });
}
