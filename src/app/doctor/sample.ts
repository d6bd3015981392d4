import { internalCaller } from '../../async/caller.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';

/** Small, pure, and on nearly every index there is. */
const USUAL = ['iniconfig', 'six', 'idna', 'tomli', 'colorama', 'packaging'];
/** Projects of an index of somebody's own that are looked at. */
const LOOKED_AT = 25;
/** Bytes of a file that is small enough to be tried with. */
const SMALL = 2_000_000;
const PURE = /^[^-]+-([^-]+)-py(?:2\.py)?3-none-any\.whl$/;

/** A wheel that every Python 3 can install. */
export interface Sample {
  readonly project: string;
  readonly version: string;
  readonly filename: string;
}

/** The smallest wheel of the first project that has a small one; undefined where none was found. Throws Refusal where upstream cannot be had. */
export async function findSample(index: PackageIndex): Promise<Sample | undefined> {
  for await (const project of candidates(index)) {
    const found = await sampleOf(index, project);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Those that are usual, then what the index lists first, where its list is not too large to be asked for. */
async function* candidates(index: PackageIndex): AsyncIterable<string> {
  yield* USUAL;
  let count = 0;
  for await (const project of index.projects(internalCaller(index.name))) {
    if (count++ === LOOKED_AT) return;
    yield project;
  }
}

async function sampleOf(index: PackageIndex, project: string): Promise<Sample | undefined> {
  const page = await index.listing(project, internalCaller(index.name)).catch(() => undefined);
  if (page === undefined) return undefined;
  let best: (Sample & { readonly size: number }) | undefined;
  for (const { entry } of page.listing.files.values()) {
    const version = PURE.exec(entry.filename)?.[1];
    const { size = SMALL - 1 } = entry;
    if (
      version === undefined ||
      entry.yanked !== undefined ||
      size >= SMALL ||
      (best !== undefined && size >= best.size)
    )
      continue;
    best = { project, version, filename: entry.filename, size };
  }
  return best;
}
