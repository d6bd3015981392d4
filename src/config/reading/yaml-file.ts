import { isScalar, LineCounter, parseDocument, visit } from 'yaml';
import type { Fault } from '../faults.ts';
import { readPlainFile, UnusableFile } from '../plain-file.ts';
import { isTree, type Tree } from '../tree.ts';

const MOST_FILE_BYTES = 1 << 20;

export interface YamlFile {
  readonly tree: Tree;
  /** Of the value there, or of the nearest above it that is written; counted from 1. */
  lineOf(path: readonly string[]): number | undefined;
}

const EMPTY: Omit<YamlFile, 'tree'> = { lineOf: () => undefined };

/** What the file says; what is wrong with it is added to `faults`. */
export function readYaml(path: string, faults: Fault[]): YamlFile {
  const fault = (what: string): YamlFile => {
    faults.push({ where: path, what });
    return { tree: {}, ...EMPTY };
  };
  let text: string;
  try {
    text = readPlainFile(path, MOST_FILE_BYTES).toString('utf8');
  } catch (error) {
    if (error instanceof UnusableFile) return fault(error.message);
    throw error;
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { stringKeys: true, lineCounter: lines });
  for (const error of document.errors) fault(error.message.split('\n')[0] ?? 'is not YAML');
  if (document.errors.length > 0) return { tree: {}, ...EMPTY };
  visit(document, {
    Pair: (_, { key }) => {
      // The one key a plain object cannot hold, and the schema therefore cannot see.
      if (isScalar(key) && key.value === '__proto__') fault('has a key called __proto__');
    },
  });
  let tree: unknown;
  try {
    tree = document.toJS() ?? {};
  } catch {
    return fault('repeats itself (&, *) too often');
  }
  if (!isTree(tree)) return fault('must hold keys and values');
  const lineOf = (steps: readonly string[]): number | undefined => {
    for (let length = steps.length; length > 0; length--) {
      const node: unknown = document.getIn(steps.slice(0, length), true);
      const range = isRanged(node) ? node.range : undefined;
      if (range !== undefined) return lines.linePos(range[0]).line;
    }
    return undefined;
  };
  return { tree, lineOf };
}

function isRanged(node: unknown): node is { readonly range: readonly [number, number, number] } {
  return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range);
}
