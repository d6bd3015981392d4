/** One answer of a replica. */
export interface Answer {
  readonly replica: string;
  /** What is signed as one: an index; of an index that signs nothing, each project of it. */
  readonly index: string;
  /** When it was asked for, and when it was there. Milliseconds of one clock. */
  readonly from: number;
  readonly until: number;
  /** What was asked for: the timestamp, a page, a file. */
  readonly thing: string;
  /** Which version it says that it is, where it says so. */
  readonly version?: number | undefined;
  readonly sha256: string;
}

/** What was signed as one; of a project that nobody signs, what upstream had at one serial. */
export interface Snapshot {
  readonly version: number;
  /** From when on upstream had it. Milliseconds of the clock of the answers. */
  readonly since: number;
  /** By what can be asked for, the digests of what may be answered. */
  readonly things: ReadonlyMap<string, readonly string[]>;
}

export interface AnswerLog {
  readonly answers: readonly Answer[];
  /** By index, the oldest first. */
  readonly snapshots: ReadonlyMap<string, readonly Snapshot[]>;
  /** From when to when replicas could hear of each other. */
  readonly together: readonly (readonly [from: number, until: number])[];
  /** In so many milliseconds all serve what one serves. */
  readonly withinMs: number;
}

/** By the versions of the oldest and the newest snapshot that have these bytes. */
interface Explained extends Answer {
  readonly least: number;
  readonly most: number;
}

/** Answers that no snapshot explains, and those that went down, in words. Nothing where all is as it should be. */
export function faultsOfAnswers(log: AnswerLog): readonly string[] {
  const explained: Explained[] = [];
  const faults: string[] = [];
  for (const answer of log.answers) {
    const fitting = fittingTo(answer, log.snapshots.get(answer.index) ?? []);
    const [first, last] = [fitting.at(0), fitting.at(-1)];
    if (first === undefined || last === undefined) faults.push(`${words(answer)}: nothing explains it`);
    else explained.push({ ...answer, least: first.version, most: last.version });
  }
  return [...faults, ...lowered(explained, log)];
}

/** Snapshots that have these bytes under this name, and that were there before the answer was. */
function fittingTo({ thing, version, sha256, until }: Answer, snapshots: readonly Snapshot[]): readonly Snapshot[] {
  return snapshots.filter((snapshot) => {
    const isSaid = version === undefined || version === snapshot.version;
    return isSaid && snapshot.since <= until && snapshot.things.get(thing)?.includes(sha256) === true;
  });
}

/**
 * No replica serves less of an index than it did, whatever of it is asked for, nor, where they are together, than another did a
 * while before.
 */
function lowered(answers: readonly Explained[], { together, withinMs }: AnswerLog): readonly string[] {
  const ofIndexes = Map.groupBy(answers, ({ index }) => index).values();
  return [...ofIndexes].flatMap((ofIndex) => {
    const ofReplicas = [...Map.groupBy(ofIndex, ({ replica }) => replica).values()];
    const own = ofReplicas.flatMap((ofReplica) => lower(ofReplica, 0));
    const late = together.flatMap(([begun, ended]) =>
      lower(
        ofIndex.filter(({ from, until }) => begun + withinMs <= until && from <= ended),
        withinMs,
      ),
    );
    return [...own, ...late];
  });
}

/** Each that is lower than the highest of those that were there so long before it was asked for. */
function lower(answers: readonly Explained[], laterMs: number): readonly string[] {
  const earlier = answers.toSorted((a, b) => a.until - b.until);
  const faults: string[] = [];
  let at = 0;
  let highest: Explained | undefined;
  for (const later of answers.toSorted((a, b) => a.from - b.from)) {
    for (let each = earlier[at]; each !== undefined && each.until + laterMs <= later.from; each = earlier[++at])
      if (highest === undefined || each.least > highest.least) highest = each;
    if (highest !== undefined && later.most < highest.least) faults.push(`${words(later)} after ${words(highest)}`);
  }
  return faults;
}

function words({ replica, index, thing, version, sha256, from, until }: Answer): string {
  const said = version === undefined ? sha256.slice(0, 8) : `version ${version}`;
  return `${replica} answered ${thing} of ${index} by ${said} between ${from.toFixed(0)} and ${until.toFixed(0)} ms`;
}
