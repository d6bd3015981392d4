/** One answer of a replica. */
export interface Answer {
  readonly replica: string;
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

/** What was signed as one. */
export interface Snapshot {
  readonly version: number;
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

interface Explained extends Answer {
  /** Of the newest snapshot that has these bytes. */
  readonly of: number | undefined;
}

/** Answers that no signed snapshot explains, and those that went down, in words. Nothing where all is as it should be. */
export function faultsOfAnswers(log: AnswerLog): readonly string[] {
  const answers = log.answers.map((answer) => ({ ...answer, of: explain(answer, log.snapshots) }));
  const unexplained = answers.filter(({ of }) => of === undefined);
  return [...unexplained.map((answer) => `${words(answer)}: nothing explains it`), ...lowered(answers, log)];
}

function explain({ index, thing, version, sha256 }: Answer, snapshots: AnswerLog['snapshots']): number | undefined {
  const fitting = (snapshots.get(index) ?? []).filter((snapshot) => {
    const isSaid = version === undefined || version === snapshot.version;
    return isSaid && snapshot.things.get(thing)?.includes(sha256) === true;
  });
  return fitting.at(-1)?.version;
}

/** No replica serves less than it did, nor, where they are together, than another did a while before. */
function lowered(answers: readonly Explained[], { together, withinMs }: AnswerLog): readonly string[] {
  const faults: string[] = [];
  const areTogether = (from: number, until: number) =>
    together.some(([begun, ended]) => begun + withinMs <= from && until <= ended);
  for (const later of answers)
    for (const earlier of answers) {
      if (later.of === undefined || earlier.of === undefined || later.of >= earlier.of) continue;
      if (later.index !== earlier.index || later.thing !== earlier.thing) continue;
      const isOwn = later.replica === earlier.replica && later.from >= earlier.until;
      const isLate = later.from >= earlier.until + withinMs && areTogether(earlier.until, later.from);
      if (isOwn || isLate) faults.push(`${words(later)} after ${words(earlier)}`);
    }
  return faults;
}

function words({ replica, index, thing, version, sha256, from, until }: Answer): string {
  const said = version === undefined ? sha256.slice(0, 8) : `version ${version}`;
  return `${replica} answered ${thing} of ${index} by ${said} between ${from.toFixed(0)} and ${until.toFixed(0)} ms`;
}
