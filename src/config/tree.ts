/** Keys and values as YAML has them; nothing is known of them yet. */
export type Tree = Record<string, unknown>;

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One value there is: where it lies, and how to put another in its place. */
export interface Place {
  readonly path: readonly string[];
  readonly value: unknown;
  replace(value: unknown): void;
}

/** Every value that a path leads to; `*` is every key of a tree, and every element of a list. */
export function places(
  tree: unknown,
  [step, ...rest]: readonly string[],
  above: readonly string[] = [],
): readonly Place[] {
  if (step === undefined || (!isTree(tree) && !Array.isArray(tree))) return [];
  const keys = step === '*' ? Object.keys(tree) : Object.hasOwn(tree, step) ? [step] : [];
  return keys.flatMap((key) => {
    const path = [...above, key];
    const value: unknown = Reflect.get(tree, key);
    if (rest.length > 0) return places(value, rest, path);
    return [{ path, value, replace: (other: unknown) => void Reflect.set(tree, key, other) }];
  });
}

/** Puts a value where the path leads, with the trees on the way. */
export function put(tree: Tree, [step = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    tree[step] = value;
    return;
  }
  const next = tree[step];
  const inner: Tree = isTree(next) ? next : {};
  tree[step] = inner;
  put(inner, rest, value);
}
