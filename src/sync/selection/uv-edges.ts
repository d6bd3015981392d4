import type { Json } from '../../pypi/read.ts';
import { type Marker, type MarkerContext, markerHolds } from '../../pypi/requirement/marker.ts';
import { type Locked, markerIn, projectIn, tableIn, tablesIn, textIn, textsIn } from './table.ts';

type Values = MarkerContext['values'];

interface Edge {
  readonly project: string;
  /** Undefined for every version that is locked. */
  readonly version: string | undefined;
  readonly marker: Marker | undefined;
}

interface Package {
  readonly project: string;
  readonly version: string | undefined;
  /** For which parts of the resolution it was chosen; empty: for all. */
  readonly forks: readonly Marker[];
  readonly edges: readonly Edge[];
  readonly isOwn: boolean;
}

/** Of these uv makes up names, for extras that exclude each other: no environment says whether they hold. */
const OF_EXTRAS = /\bextra\b/;

/**
 * What requires what in a uv.lock: its markers stand at what is required, and not at the package. A package is wanted in an environment where it is reached from the projects of one's own
 * along requirements that hold there, those of every extra and group among them.
 */
export class UvEdges {
  readonly #packages: Package[] = [];
  readonly #reached = new WeakMap<Values, ReadonlySet<Package>>();
  #always: ReadonlySet<Package> | undefined;

  /** Every package of the lock, before anything is asked. Throws Refusal `format`. */
  add({ table, at }: Locked, isOwn: boolean): (values: Values) => boolean {
    const added: Package = {
      project: projectIn(table, at),
      version: textIn(table, 'version', at),
      forks: forksOf(table, at),
      edges: [
        ...edgesIn(table, 'dependencies', at),
        ...['optional-dependencies', 'dev-dependencies'].flatMap((kind) => {
          const groups = tableIn(table, kind, at) ?? {};
          return Object.keys(groups).flatMap((group) => edgesIn(groups, group, at));
        }),
      ],
      isOwn,
    };
    this.#packages.push(added);
    return (values) => this.#isWanted(added, values);
  }

  /** What nothing in the lock requires, whatever the environment, is there for a reason that the lock does not say. */
  #isWanted(wanted: Package, values: Values): boolean {
    this.#always ??= this.#from(() => true);
    if (!this.#always.has(wanted)) return true;
    let reached = this.#reached.get(values);
    if (reached === undefined) {
      const context = { values, extras: new Set<string>() };
      reached = this.#from((marker) => markerHolds(marker, context));
      this.#reached.set(values, reached);
    }
    return reached.has(wanted);
  }

  #from(holds: (marker: Marker) => boolean): ReadonlySet<Package> {
    const byProject = Map.groupBy(this.#packages, ({ project }) => project);
    const reached = new Set(this.#packages.filter(({ isOwn }) => isOwn));
    // A set is gone through to its end, what is added meanwhile included.
    for (const { edges } of reached)
      for (const { project, version, marker } of edges) {
        if (marker !== undefined && !holds(marker)) continue;
        for (const found of byProject.get(project) ?? [])
          if ((version === undefined || version === found.version) && isOf(found, holds)) reached.add(found);
      }
    return reached;
  }
}

function isOf({ forks }: Package, holds: (marker: Marker) => boolean): boolean {
  return forks.length === 0 || forks.some(holds);
}

function edgesIn(table: Json, key: string, at: string): readonly Edge[] {
  return tablesIn(table, key, at).map((edge) => {
    const text = textIn(edge, 'marker', at);
    const marker = text !== undefined && OF_EXTRAS.test(text) ? undefined : markerIn(text, at);
    return { project: projectIn(edge, at), version: textIn(edge, 'version', at), marker };
  });
}

function forksOf(table: Json, at: string): readonly Marker[] {
  const texts = textsIn(table, 'resolution-markers', at);
  if (texts.some((text) => OF_EXTRAS.test(text))) return [];
  return texts.flatMap((text) => markerIn(text, at) ?? []);
}
