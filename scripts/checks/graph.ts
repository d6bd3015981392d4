import { parse, type Source } from '../../test/architecture/source.ts';

/** How many imports lie between a test and each file of src that it reaches; 1 for those that it or its helpers import themselves. */
export function reach(sources: readonly Source[]): (path: string) => ReadonlyMap<string, number> {
  const imports = new Map(
    sources.map((source) => [source.path, parse(source).imports.flatMap(({ target }) => target ?? [])]),
  );
  const next = (paths: Iterable<string>) => [...paths].flatMap((path) => imports.get(path) ?? []);
  return (path) => {
    const helpers = new Set([path]);
    for (const each of helpers) for (const other of next([each])) if (!other.startsWith('src/')) helpers.add(other);
    const steps = new Map<string, number>();
    let near = next(helpers);
    for (let step = 1; near.length > 0; step++) {
      near = [...new Set(near)].filter((each) => each.startsWith('src/') && !steps.has(each));
      for (const each of near) steps.set(each, step);
      near = next(near);
    }
    return steps;
  };
}
