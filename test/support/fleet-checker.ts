import type { Observed, Run } from './fleet-simulation.ts';

/** What is wrong with a run, in words; nothing where every answer is explained by one order of writes. */
export function faultsOf(run: Run): readonly string[] {
  const faults = [...wonOnce(run), ...neverLowered(run), ...held(run)];
  if (run.isStrict) faults.push(...currentWhereSaid(run));
  return faults;
}

/** Of those who wrote one version at most one was told that it won, and its value is the one that is kept. */
function wonOnce({ observed, floor }: Run): readonly string[] {
  const won = new Map<number, Observed>();
  const faults: string[] = [];
  for (const each of observed) {
    if (each.what !== 'won') continue;
    const other = won.get(each.version);
    if (other !== undefined) faults.push(`${words(each)} and ${words(other)} both won`);
    won.set(each.version, each);
    if (floor[each.version - 1] !== each.value)
      faults.push(`${words(each)}, and ${floor[each.version - 1]} is what is kept of it`);
  }
  return faults;
}

/** Neither a process nor a disk serves less than it did, and the log's values go up. */
function neverLowered({ observed, floor }: Run): readonly string[] {
  const highest = new Map<string, Observed>();
  const faults: string[] = [];
  for (const each of observed) {
    if (each.what === 'lost' || each.what === 'won') continue;
    for (const place of [`process ${each.process}`, `disk ${each.disk}`]) {
      const before = highest.get(place);
      // Of two processes of one disk the one that began to read first may be told second.
      const isLess = before !== undefined && (each.version < before.version || each.value < before.value);
      if (isLess && each.from >= before.until) faults.push(`${place}: ${words(each)} after ${words(before)}`);
      if (before === undefined || each.version > before.version) highest.set(place, each);
    }
  }
  for (const [at, value] of floor.entries())
    if (value <= (floor[at - 1] ?? 0)) faults.push(`version ${at + 1} of the floor is ${value} after ${floor[at - 1]}`);
  return faults;
}

/** Every value that was served is in the log under its version, and all hold the same in the end. */
function held({ observed, floor, disks }: Run): readonly string[] {
  const faults: string[] = [];
  for (const each of observed)
    if (each.what !== 'lost' && each.version > 0 && floor[each.version - 1] !== each.value)
      faults.push(`${words(each)}, and nothing explains it`);
  const [first] = disks;
  for (const disk of disks) if (disk !== first) faults.push(`one holds\n${first}\nand another\n${disk}`);
  return faults;
}

/** Who has read the log to its end serves no less than anybody won or served before that began. */
function currentWhereSaid({ observed }: Run): readonly string[] {
  const faults: string[] = [];
  for (const each of observed) {
    if (each.what !== 'current') continue;
    const before = observed.filter((other) => other.what !== 'lost' && other.until <= each.from);
    const newer = before.find((other) => other.version > each.version);
    if (newer !== undefined) faults.push(`${words(each)} after ${words(newer)} elsewhere`);
  }
  return faults;
}

function words({ process, disk, until, what, version, value }: Observed): string {
  return `at ${until} process ${process} on disk ${disk} ${what} ${value} as version ${version}`;
}
