import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';

// Every file of compile/ forges a proof. The compiler must refuse each line that says so, for the reason it says, and no
// other: all of them at once, with this project's settings.

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const root = here('../../../');
const files = readdirSync(here('compile'))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => `test/architecture/forgeries/compile/${name}`);

const MARK = / \/\/ refused: (.+)$/;

/** What the compiler says, by the word that stands for it at a line's end; `no X` where something else was given for an X. */
const SAYS: Readonly<Record<string, RegExp>> = {
  private: /is private|marked as private/,
  protected: /is protected/,
  'read-only': /read-only property|only permits reading/,
  absent: /does not exist (?:on|in) type/,
};

function saysOf(word: string): RegExp {
  const expected = SAYS[word];
  if (expected !== undefined) return expected;
  const [, kind] = /^no (\w+)$/.exec(word) ?? [];
  if (kind === undefined) throw new Error(`nothing is known of the mark "${word}"`);
  return new RegExp(`(?:from|of|to|in) type '(?:\\w+ \\| )*${kind}[<']`);
}

/** By file and line. */
const refusals = new Map<string, string>();
let output = '';

beforeAll(() => {
  const project = here('tsconfig.json');
  const { stdout } = spawnSync(here('../../../node_modules/.bin/tsc'), ['-p', project, '--pretty', 'false'], {
    cwd: root,
    encoding: 'utf8',
  });
  output = stdout;
  let last = '';
  for (const line of stdout.split('\n')) {
    const [, path, at, message] = /^(\S+?)\((\d+),\d+\): error TS\d+: (.*)$/.exec(line) ?? [];
    if (path !== undefined) {
      last = `${path}:${at}`;
      refusals.set(last, message ?? '');
    } else if (line.startsWith(' ')) refusals.set(last, `${refusals.get(last) ?? ''}\n${line}`);
  }
});

describe('a forged proof does not compile', () => {
  it('all of them were given to the compiler, and nothing else is wrong', () => {
    expect(files.length).toBeGreaterThan(15);
    const marked = files.flatMap((path) =>
      linesOf(path).flatMap((line, at) => (MARK.test(line) ? [`${path}:${at + 1}`] : [])),
    );
    expect([...refusals.keys()].sort(), output).toEqual(marked.sort());
  });

  it.each(files)('%s', (path) => {
    const marks = linesOf(path).flatMap((line, at) => {
      const [, word] = MARK.exec(line) ?? [];
      return word === undefined ? [] : [{ at: at + 1, word }];
    });
    expect(marks).not.toEqual([]);
    for (const { at, word } of marks) expect(refusals.get(`${path}:${at}`), `line ${at}`).toMatch(saysOf(word));
  });
});

function linesOf(path: string): readonly string[] {
  return readFileSync(`${root}${path}`, 'utf8').split('\n');
}
