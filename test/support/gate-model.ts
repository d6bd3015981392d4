import type { Priority } from '../../src/async/caller.ts';
import type { GateOptions, ShareLimits } from '../../src/async/gate.ts';

// What a gate has to do, written as plainly as it can be said: everything is compared with everything.

/** Who asks; party, connection and priority may change meanwhile. */
export interface Asker {
  readonly id: number;
  readonly index: string;
  party: string;
  connection: number;
  priority: Priority;
}

interface Stand {
  readonly asker: Asker;
  /** As which groups it is counted: index, party, connection. */
  groups: readonly [string, string, string];
  state: 'line' | 'background' | 'inside';
  /** When it stood in its line. */
  at: number;
}

const LEVELS = ['index', 'party', 'connection'] as const;

/** Who should be inside, who should wait, and who is to be refused. */
export class GateModel {
  readonly #options: Pick<GateOptions, 'places' | 'queue'> & { readonly shares: ShareLimits };
  readonly #stands: Stand[] = [];
  /** Of groups that somebody is in: when they first came, and their last turn (0 for none). */
  readonly #groups = new Map<string, { readonly came: number; turn: number }>();
  #clock = 0;
  readonly entered: number[] = [];

  constructor(options: Pick<GateOptions, 'places' | 'queue'> & { readonly shares: ShareLimits }) {
    this.#options = options;
  }

  get busy(): number {
    return this.#count(({ state }) => state === 'inside');
  }

  get waiting(): number {
    return this.#stands.length - this.busy;
  }

  isWaiting(id: number): boolean {
    return this.#stands.some(({ asker, state }) => asker.id === id && state !== 'inside');
  }

  /** Answers those of whom one has to be refused; nobody where it is empty. */
  ask(asker: Asker): readonly number[] {
    const stand: Stand = { asker, groups: this.#join(asker), state: 'line', at: 0 };
    this.#stands.push(stand);
    this.#stand(stand);
    this.#serve();
    return this.waiting > this.#options.queue && stand.state !== 'inside' ? this.#tooMany(stand) : [];
  }

  /** It leaves: the place, or the queue. */
  gone(id: number): void {
    const at = this.#stands.findIndex(({ asker }) => asker.id === id);
    if (at === -1) return;
    const [gone] = this.#stands.splice(at, 1);
    this.#forget(gone?.groups ?? []);
    this.#serve();
  }

  /** Its caller has said that it is another one. */
  changed(id: number): void {
    const stand = this.#stands.find(({ asker }) => asker.id === id);
    if (stand === undefined) return;
    const groups = this.#join(stand.asker);
    const moved = groups[2] !== stand.groups[2] || (stand.state === 'background') !== isBackground(stand);
    const before = stand.groups;
    stand.groups = groups;
    if (stand.state !== 'inside' && moved) this.#stand(stand);
    this.#forget(before);
    this.#serve();
  }

  #join({ index, party, connection }: Asker): Stand['groups'] {
    const groups: Stand['groups'] = [index, `${index}/${party}`, `${index}/${party}/${connection}`];
    for (const group of groups) if (!this.#groups.has(group)) this.#groups.set(group, { came: ++this.#clock, turn: 0 });
    return groups;
  }

  #forget(left: readonly string[]): void {
    for (const group of left) if (this.#count(({ groups }) => groups.includes(group)) === 0) this.#groups.delete(group);
  }

  #stand(stand: Stand): void {
    stand.state = isBackground(stand) ? 'background' : 'line';
    stand.at = ++this.#clock;
  }

  #serve(): void {
    while (this.waiting > 0 && this.busy < this.#options.places) {
      for (const stand of this.#inState('background')) if (!isBackground(stand)) this.#stand(stand);
      const next = this.#candidates().find((stand) => this.#mayHave(stand));
      if (next === undefined) return;
      next.state = 'inside';
      const turn = ++this.#clock;
      for (const group of next.groups) this.#known(group).turn = turn;
      this.entered.push(next.asker.id);
    }
  }

  /** All who wait, in the order in which they are to be thought of. */
  #candidates(): readonly Stand[] {
    const firsts = this.#inState('line').filter(
      ({ groups }, at, line) => line.findIndex((other) => other.groups[2] === groups[2]) === at,
    );
    const byTurn = firsts.toSorted((a, b) => this.#compare(a, b));
    const [within, beyond] = [false, true].map((is) => byTurn.filter((stand) => this.#isBeyond(stand) === is));
    // Of one group all are thought of before the next only within the rules: those beyond come after all others.
    const background = this.#inState('background').toSorted(
      (a, b) => Number(this.#isBeyond(a)) - Number(this.#isBeyond(b)) || this.#byTurn(a, b) || a.at - b.at,
    );
    return [...(within ?? []), ...(beyond ?? []), ...background];
  }

  #inState(state: Stand['state']): readonly Stand[] {
    return this.#stands.filter((stand) => stand.state === state).sort((a, b) => a.at - b.at);
  }

  /** New groups first, as they came; then by their last turn. */
  #compare(a: Stand, b: Stand): number {
    for (const level of [0, 1, 2] as const) {
      if (a.groups[level] === b.groups[level]) continue;
      const [one, other] = [this.#known(a.groups[level]), this.#known(b.groups[level])];
      return one.turn - other.turn || one.came - other.came;
    }
    return 0;
  }

  #byTurn(a: Stand, b: Stand): number {
    for (const level of [0, 1, 2] as const) {
      const by = this.#known(a.groups[level]).turn - this.#known(b.groups[level]).turn;
      if (a.groups[level] !== b.groups[level] && by !== 0) return by;
    }
    return 0;
  }

  #known(group: string) {
    const known = this.#groups.get(group);
    if (known === undefined) throw new Error(`nobody is of ${group}`);
    return known;
  }

  #held(group: string): number {
    return this.#count(({ state, groups }) => state === 'inside' && groups.includes(group));
  }

  #count(is: (stand: Stand) => boolean): number {
    let count = 0;
    for (const stand of this.#stands) if (is(stand)) count++;
    return count;
  }

  #isBeyond({ groups }: Stand): boolean {
    return LEVELS.some((level, at) => {
      const held = this.#held(groups[at] ?? '');
      return held > 0 && held + 1 > (this.#options.shares[level] ?? Number.POSITIVE_INFINITY);
    });
  }

  #mayHave(stand: Stand): boolean {
    const { places, shares } = this.#options;
    const free = places - this.busy;
    if (free === 0) return false;
    if (stand.state === 'background' && shares.background !== undefined) {
      const held = this.#count((each) => each.state === 'inside' && isBackground(each));
      if (held > 0 && held + 1 > shares.background) return false;
    }
    if (this.busy === 0) return true;
    const { index, party } = shares.kept ?? {};
    const [forIndexes = 0, forParties = 0] = [index, party].map((each, at) =>
      each === undefined || this.#held(stand.groups[at] ?? '') + 1 <= each.each ? 0 : each.places,
    );
    const isWithin = index !== undefined && forIndexes === 0;
    return free - 1 >= (isWithin ? Math.min(forParties, Math.ceil(index.each / 4)) : forIndexes + forParties);
  }

  #tooMany(newcomer: Stand): readonly number[] {
    const last = this.#inState('background').at(-1);
    if (last !== undefined) return [last.asker.id];
    return newestOf(this.#inState('line'), newcomer, 0);
  }
}

function isBackground({ asker }: Stand): boolean {
  return asker.priority === 'background';
}

/** The newest of whoever has most; of several that have as many any, unless the newcomer is one of them. */
function newestOf(line: readonly Stand[], newcomer: Stand, level: number): readonly number[] {
  const groupOf = ({ groups }: Stand) => groups[level] ?? '';
  if (level === LEVELS.length) return line.slice(-1).map(({ asker }) => asker.id);
  const waiting = Map.groupBy(line, groupOf);
  const most = Math.max(...[...waiting.values()].map(({ length }) => length));
  const own = waiting.get(groupOf(newcomer));
  const largest = own?.length === most ? [own] : [...waiting.values()].filter(({ length }) => length === most);
  return largest.flatMap((each) => newestOf(each, newcomer, level + 1));
}
