import { Refusal } from '../bytes/refusal.ts';
import type { OwnFile } from '../pypi/listing.ts';
import { markerHolds } from '../pypi/requirement/marker.ts';
import type { Requirement } from '../pypi/requirement/requirement.ts';
import { parseSpecifiers, type Specifiers } from '../pypi/requirement/specifier.ts';
import type { Dependencies } from '../pypi/resolving/dependencies.ts';
import type { Environment } from '../pypi/resolving/environment.ts';
import type { Catalog, ProjectReleases, Release } from './catalog.ts';
import type { Asked } from './selection/asked.ts';

/** What was chosen of one project for one environment. */
export interface Chosen {
  readonly release: Release;
  /** Files that an installer there would take one of. */
  readonly files: readonly OwnFile[];
  /** Normalized. */
  readonly extras: ReadonlySet<string>;
  /** Who asked for it: `requirements.txt:3`, or a project and version. */
  readonly by: readonly string[];
}

export interface Solution {
  readonly environment: Environment;
  readonly chosen: ReadonlyMap<string, Chosen>;
  /** Releases whose requirements nobody can say without building them. */
  readonly unread: readonly string[];
}

const MOST_STEPS = 20_000;

interface Demand {
  readonly specifiers: Specifiers;
  readonly extras: readonly string[];
  /** Undefined of what was asked for outright. */
  readonly from: string | undefined;
  readonly by: string;
}

type Demands = ReadonlyMap<string, readonly Demand[]>;
type Choices = ReadonlyMap<string, Chosen & { readonly expanded: ReadonlySet<string> }>;
/** Projects of which another choice could help. */
type Conflict = ReadonlySet<string>;

interface ResolverOptions {
  readonly catalog: Catalog;
  readonly environment: Environment;
  readonly constraints: readonly Asked[];
  readonly preReleases: boolean;
  /** Choices tried before the requirements count as ones that cannot be met. */
  readonly mostSteps?: number | undefined;
}

/** Chooses one release of each project that is asked for or required, the newest that all who require it allow. */
export class Resolver {
  readonly #options: ResolverOptions;
  readonly #constraints: ReadonlyMap<string, readonly Demand[]>;
  readonly #releases = new Map<string, Promise<ProjectReleases>>();
  readonly #dependencies = new Map<Release, Promise<Dependencies | undefined>>();
  #steps = 0;
  /** In words, of the last project that no release of could be had. */
  #why = '';

  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#constraints = grouped(options.constraints.filter((each) => this.#holds(each)).map(demandOf));
  }

  /** Throws Refusal `unlisted` where the requirements cannot be met together, in words of who requires what. */
  async solve(asked: readonly Asked[]): Promise<Solution> {
    const { environment } = this.#options;
    const found = await this.#extend(grouped(asked.filter((each) => this.#holds(each)).map(demandOf)), new Map());
    if (!(found instanceof Map)) throw cannot(environment, this.#why);
    const unread: string[] = [];
    for (const { release } of found.values())
      if ((await this.#dependencies.get(release)) === undefined) unread.push(`${release.project} ${release.version}`);
    return { environment, chosen: found, unread };
  }

  #holds({ marker }: Pick<Asked, 'marker'>): boolean {
    const { values } = this.#options.environment;
    return marker === undefined || markerHolds(marker, { values, extras: new Set() });
  }

  async #extend(demands: Demands, choices: Choices): Promise<Map<string, Chosen> | Conflict> {
    const project = next(demands, choices);
    if (project === undefined) return new Map(choices);
    const wanted = demands.get(project) ?? [];
    const chosen = choices.get(project);
    // Chosen before, and asked for with another extra since.
    if (chosen !== undefined) return this.#take(chosen.release, chosen.files, { project, wanted, demands, choices });
    const { environment, mostSteps = MOST_STEPS } = this.#options;
    const responsible = new Set(wanted.flatMap(({ from }) => from ?? []));
    for (const release of await this.#candidates(project, wanted)) {
      if (++this.#steps > mostSteps) throw cannot(environment, `${mostSteps} choices were tried`);
      const files = this.#filesOf(release);
      const found = await this.#take(release, files, { project, wanted, demands, choices });
      if (found instanceof Map) return found;
      if (!found.has(project)) return found;
      for (const each of found) responsible.add(each);
    }
    responsible.delete(project);
    return responsible;
  }

  async #take(
    release: Release,
    files: readonly OwnFile[],
    {
      project,
      wanted,
      demands,
      choices,
    }: { project: string; wanted: readonly Demand[]; demands: Demands; choices: Choices },
  ): Promise<Map<string, Chosen> | Conflict> {
    const dependencies = await this.#dependenciesOf(release, files);
    const extras = new Set(wanted.flatMap((each) => each.extras));
    if (extras.size === 0) for (const extra of dependencies?.defaultExtras ?? []) extras.add(extra);
    const added = this.#required(release, dependencies, extras);
    const all = merged(demands, added);
    const by = [...new Set(wanted.map((each) => each.by))];
    const now = new Map(choices).set(project, { release, files, extras, by, expanded: new Set(extras) });
    for (const [other, asked] of added) {
      const taken = now.get(other);
      if (taken === undefined || asked.every(({ specifiers }) => specifiers.contains(taken.release.version))) continue;
      this.#why = `${wordsOf(other, all.get(other) ?? [])}, and ${taken.release.version} was chosen`;
      return new Set([project, other, ...(demands.get(other) ?? []).flatMap(({ from }) => from ?? [])]);
    }
    return this.#extend(all, now);
  }

  #required(
    release: Release,
    dependencies: Dependencies | undefined,
    extras: ReadonlySet<string>,
  ): Map<string, Demand[]> {
    const { values } = this.#options.environment;
    const holds = ({ marker, url }: Requirement) =>
      url === undefined && (marker === undefined || markerHolds(marker, { values, extras }));
    const by = `${release.project} ${release.version}`;
    return grouped(
      (dependencies?.requires ?? [])
        .filter(holds)
        .map(({ project, specifiers, extras: asked }) => [
          project,
          { specifiers, extras: asked, from: release.project, by },
        ]),
    );
  }

  /** Newest first; pre-releases where they are asked for, or there is nothing else. */
  async #candidates(project: string, wanted: readonly Demand[]): Promise<readonly Release[]> {
    const all = [...wanted, ...(this.#constraints.get(project) ?? [])];
    const isExact = all.some(({ specifiers }) => /^===?[^*]*$/.test(specifiers.text));
    const { releases } = await this.#releasesOf(project).catch(notToBeHad);
    const fit = releases.filter(
      (release) =>
        (!release.isYanked || isExact) &&
        all.every(({ specifiers }) => specifiers.contains(release.version)) &&
        this.#filesOf(release).length > 0,
    );
    const final = fit.filter(({ isPre }) => !isPre);
    const arePre = this.#options.preReleases || all.some(({ specifiers }) => specifiers.isPre);
    const candidates = arePre || final.length === 0 ? fit : final;
    if (candidates.length === 0) this.#why = wordsOf(project, all);
    return candidates;
  }

  /** Wheels that suit; where there are none, what can be built. */
  #filesOf({ files }: Release): readonly OwnFile[] {
    const { environment } = this.#options;
    const runs = files.filter(({ entry: { requiresPython } }) => {
      const specifiers = requiresPython === undefined ? undefined : parseSpecifiers(requiresPython);
      return specifiers?.contains(environment.values.python_full_version) ?? true;
    });
    const wheels = runs.filter(({ entry }) => entry.filename.endsWith('.whl') && environment.suits(entry.filename));
    return wheels.length > 0 ? wheels : runs.filter(({ entry }) => /\.(?:tar\.gz|zip)$/.test(entry.filename));
  }

  #releasesOf(project: string): Promise<ProjectReleases> {
    const known = this.#releases.get(project) ?? this.#options.catalog.releases(project);
    this.#releases.set(project, known);
    return known;
  }

  #dependenciesOf(release: Release, files: readonly OwnFile[]): Promise<Dependencies | undefined> {
    const known = this.#dependencies.get(release) ?? this.#options.catalog.dependencies(release, files);
    this.#dependencies.set(release, known);
    return known;
  }
}

/** As a release that does not fit: another choice elsewhere may not need the project. */
function notToBeHad(error: unknown): Pick<ProjectReleases, 'releases'> {
  if (error instanceof Refusal && (error.reason === 'unlisted' || error.reason === 'policy')) return { releases: [] };
  throw error;
}

/** First what is not chosen yet and leaves no choice, then in order of asking; then what is asked for with further extras. */
function next(demands: Demands, choices: Choices): string | undefined {
  let open: string | undefined;
  for (const [project, wanted] of demands) {
    const chosen = choices.get(project);
    if (chosen !== undefined) {
      if (wanted.some(({ extras }) => extras.some((extra) => !chosen.expanded.has(extra)))) return project;
    } else if (wanted.some(({ specifiers }) => specifiers.text.startsWith('=='))) return project;
    else open ??= project;
  }
  return open;
}

function demandOf({ project, specifiers, extras, at }: Asked): [string, Demand] {
  return [project, { specifiers, extras, from: undefined, by: at }];
}

function grouped(pairs: Iterable<readonly [string, Demand]>): Map<string, Demand[]> {
  const all = new Map<string, Demand[]>();
  for (const [project, demand] of pairs) {
    const before = all.get(project);
    if (before === undefined) all.set(project, [demand]);
    else before.push(demand);
  }
  return all;
}

function merged(demands: Demands, added: Demands): Demands {
  const all = new Map(demands);
  for (const [project, more] of added) all.set(project, [...(all.get(project) ?? []), ...more]);
  return all;
}

function wordsOf(project: string, demands: readonly Demand[]): string {
  const each = demands.map(({ specifiers, by }) => `${by} asks for ${project}${specifiers.text}`);
  return [...new Set(each)].join(', ');
}

function cannot({ name }: Environment, why: string): Refusal {
  return new Refusal('unlisted', `In the environment ${name} nothing meets what is required together: ${why}.`, {
    subject: 'request',
  });
}
