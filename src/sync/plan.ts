import type { Caller } from '../async/caller.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { ListedSerials, PackageIndex } from '../mirror/package-index.ts';
import { parseSpecifiers } from '../pypi/requirement/specifier.ts';
import type { Environment } from '../pypi/resolving/environment.ts';
import { Catalog, type ProjectReleases } from './catalog.ts';
import { type Filters, forOneRelease } from './filters.ts';
import { type Picked, type PickedFile, pickLocked, pickReleases } from './picked.ts';
import type { Told } from './report.ts';
import { type Chosen, Resolver } from './resolver.ts';
import type { Attempt } from './retry.ts';
import type { Asked, PassedOver } from './selection/asked.ts';
import { globMatcher } from './selection/requirements.ts';

/** What is to be held. */
export interface Wanted {
  /** By name, and the versions of each. */
  readonly names: readonly Asked[];
  /** Patterns of names. */
  readonly globs: readonly string[];
  /** Lists and locks. */
  readonly asked: readonly Asked[];
  readonly constraints: readonly Asked[];
  readonly passedOver: readonly PassedOver[];
  /** Everything that the index lists. */
  readonly listed: boolean;
  /** What is held: of each project the releases that are not older than the newest one that a file is held of. */
  readonly held: boolean;
  /** Where it is to be installed: then one release of each name is chosen for each, with what it requires. */
  readonly environments: readonly Environment[];
}

/** One project of a plan. */
export interface Wish {
  readonly project: string;
  /** Throws Refusal. */
  pick(): Promise<Picked>;
}

/** What a sync will look at, project by project. */
export interface Plan {
  wishes(): AsyncIterable<Wish>;
  /** One for each environment that could be resolved; without an environment, one for all that lists ask for without a hash. */
  readonly choices: readonly Choice[];
  /** What was asked for in a list without a hash, and where. */
  readonly unpinned: readonly Asked[];
  readonly passedOver: readonly PassedOver[];
  /** Environments in which what is asked for cannot be met, and what no index can have. */
  readonly missing: readonly Told[];
}

/** One release of each project, and the files of it. */
export interface Choice {
  /** Undefined where none is given: then nothing that is required comes with it. */
  readonly environment: Environment | undefined;
  readonly chosen: ReadonlyMap<string, Pick<Chosen, 'release' | 'files'>>;
  /** Releases whose requirements nobody can say without building them. */
  readonly unread: readonly string[];
}

export interface PlanOptions {
  readonly index: Pick<PackageIndex, 'listing' | 'coreMetadata' | 'look' | 'listed' | 'signed' | 'projects' | 'isHeld'>;
  readonly wanted: Wanted;
  readonly filters: Filters;
  /** Normalized names of projects that are held. */
  readonly held: () => AsyncIterable<string>;
  readonly caller: Caller;
  readonly attempt: Attempt;
  readonly isOffline: boolean;
  /** Projects whose pages were new, or had changed; added to. */
  readonly changed: Set<string>;
  /** Projects whose pages upstream was not asked for, because its list says that they are what they were; added to. */
  readonly spared: Set<string>;
}

/** Projects from which on the list of all, some 40 MB on PyPI, is less to ask for than page after page. */
const MANY = 1000;

/** Resolves what is to be resolved. Throws Refusal where upstream cannot be had. */
export async function planOf(options: PlanOptions): Promise<Plan> {
  const { wanted, filters } = options;
  const looked = new Set<string>();
  const listed = await listedOf(options);
  const catalog = new Catalog({ ...options, looked, listed });
  const one = new Catalog({ ...options, looked, listed, filters: forOneRelease(filters) });
  const unlocked = wanted.asked.filter(({ isLocked }) => !isLocked);
  const missing: Told[] = wanted.passedOver.flatMap(({ isMissing, ...told }) => (isMissing ? [told] : []));
  const choices: Choice[] = [];
  for (const environment of wanted.environments) {
    const resolver = new Resolver({ ...wanted, catalog: one, environment, preReleases: filters.preReleases === true });
    try {
      choices.push(await resolver.solve([...wanted.names, ...unlocked]));
    } catch (error) {
      if (!(error instanceof Refusal) || error.reason !== 'unlisted') throw error;
      missing.push({ what: environment.name, why: error.message });
    }
  }
  const isAnywhere = wanted.environments.length === 0;
  if (isAnywhere && unlocked.length > 0) choices.push(await newestOf(unlocked, wanted.constraints, one, missing));
  return {
    choices,
    unpinned: unlocked,
    passedOver: wanted.passedOver.filter(({ isMissing }) => !isMissing),
    missing,
    async *wishes() {
      yield* chosenWishes(choices);
      yield* lockedWishes(wanted, one);
      if (isAnywhere)
        for (const each of wanted.names)
          yield {
            project: each.project,
            pick: async () => pickReleases(await catalog.releases(each.project), each),
          };
      yield* listedWishes(options, catalog);
      if (wanted.held)
        for await (const project of options.held())
          yield { project, pick: () => pickSinceHeld(options, catalog, project) };
    },
  };
}

/** Asked where the list is read anyway, or for many pages at once; where it cannot be had, each page is asked for. */
async function listedOf(options: PlanOptions): Promise<ListedSerials | undefined> {
  const { wanted, index, caller, attempt, isOffline } = options;
  if (isOffline || index.signed !== undefined) return undefined;
  if (!wanted.listed && wanted.globs.length === 0 && !(wanted.held && (await areMany(options.held()))))
    return undefined;
  try {
    return await attempt(() => index.listed(caller));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return undefined;
  }
}

async function areMany(projects: AsyncIterable<string>): Promise<boolean> {
  let count = 0;
  for await (const _ of projects) if (++count >= MANY) return true;
  return false;
}

function* chosenWishes(choices: readonly Choice[]): Generator<Wish, void, undefined> {
  const all = new Map<string, Map<string, PickedFile>>();
  for (const { chosen } of choices)
    for (const [project, { release, files }] of chosen) {
      const known = all.get(project) ?? new Map<string, PickedFile>();
      all.set(project, known);
      for (const file of files) known.set(file.entry.filename, { page: release.page, file });
    }
  for (const [project, files] of all)
    yield { project, pick: async () => ({ files: [...files.values()], missing: [], leftOut: new Map() }) };
}

function* lockedWishes({ asked, environments }: Wanted, catalog: Catalog): Generator<Wish, void, undefined> {
  const byProject = Map.groupBy(
    asked.filter(({ isLocked }) => isLocked),
    ({ project }) => project,
  );
  for (const [project, all] of byProject)
    yield {
      project,
      async pick() {
        const releases = await catalog.releases(project);
        return together(all.map((each) => pickLocked(releases, each, environments)));
      },
    };
}

/** Where no environment is given: the newest release that every line allows, with all of its files. */
async function newestOf(
  asked: readonly Asked[],
  constraints: readonly Asked[],
  catalog: Catalog,
  missing: Told[],
): Promise<Choice> {
  const chosen = new Map<string, Pick<Chosen, 'release' | 'files'>>();
  for (const [project, all] of Map.groupBy(asked, (each) => each.project)) {
    const lines = [...all, ...constraints.filter((each) => each.project === project)];
    const at = all.map((each) => each.at).join(', ');
    try {
      const { releases } = await catalog.releases(project);
      const fit = releases.filter(
        ({ version, isYanked }) => !isYanked && lines.every(({ specifiers }) => specifiers.contains(version)),
      );
      const release = fit.find(({ isPre }) => !isPre || lines.some(({ specifiers }) => specifiers.isPre)) ?? fit[0];
      if (release === undefined)
        missing.push({ what: project, why: 'upstream has no release that every line allows', at });
      else chosen.set(project, { release, files: release.files });
    } catch (error) {
      if (!(error instanceof Refusal) || error.transient) throw error;
      missing.push({ what: project, why: error.message, at });
    }
  }
  return { environment: undefined, chosen, unread: [] };
}

async function* listedWishes(
  { wanted, index, caller, filters }: PlanOptions,
  catalog: Catalog,
): AsyncGenerator<Wish, void, undefined> {
  const matchers = wanted.globs.map((word) => ({ word, is: globMatcher(word), found: false }));
  if (!wanted.listed && matchers.length === 0) return;
  // There roles say what is listed.
  if (index.signed?.hasPages === false && matchers.length === 0) return;
  for await (const project of index.projects(caller)) {
    const matcher = matchers.find(({ is }) => is(project));
    if (matcher !== undefined) matcher.found = true;
    else if (!wanted.listed) continue;
    if (filters.project(project) !== undefined) continue;
    yield { project, pick: async () => pickReleases(await catalog.releases(project), everything(project)) };
  }
  for (const { word, found } of matchers)
    if (!found) yield { project: word, pick: async () => nothing({ what: word, why: 'no project has such a name' }) };
}

async function pickSinceHeld({ index }: PlanOptions, catalog: Catalog, project: string): Promise<Picked> {
  const found = await catalog.releases(project);
  for (const [at, { files }] of found.releases.entries())
    for (const { entry } of files)
      if (await index.isHeld(found.page, entry.filename))
        return pickReleases(
          { ...found, releases: found.releases.slice(0, at + 1) } satisfies ProjectReleases,
          everything(project),
        );
  return { files: [], missing: [], leftOut: found.leftOut };
}

function together(all: readonly Picked[]): Picked {
  const files = new Map(
    all.flatMap((each) => each.files.map((picked) => [picked.file.entry.filename, picked] as const)),
  );
  const leftOut = new Map<string, readonly string[]>();
  for (const each of all)
    for (const [why, names] of each.leftOut) leftOut.set(why, [...(leftOut.get(why) ?? []), ...names]);
  return { files: [...files.values()], missing: all.flatMap(({ missing }) => missing), leftOut };
}

function nothing(missing: Told): Picked {
  return { files: [], missing: [missing], leftOut: new Map() };
}

function everything(project: string): Asked {
  return {
    project,
    extras: [],
    specifiers: ANY,
    marker: undefined,
    hashes: new Set(),
    files: undefined,
    isLocked: false,
    at: project,
  };
}

const ANY = parseSpecifiers('') ?? unreachable();

function unreachable(): never {
  throw new Error('no clause at all is a set of versions');
}
