import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { markerHolds } from '../../src/pypi/requirement/marker.ts';
import { parseMarker, parseRequirement } from '../../src/pypi/requirement/requirement.ts';
import { parseSpecifiers } from '../../src/pypi/requirement/specifier.ts';
import { compareVersions, parseVersion } from '../../src/pypi/requirement/version.ts';
import { environmentOf } from '../../src/pypi/resolving/environment.ts';
import { dice } from '../support/dice.ts';
import { packaging } from '../support/environments.ts';
import { clientEnvironment, requirePart } from '../support/python.ts';

// Python's own reading of versions, requirements, markers and wheel tags, beside ours, of thousands of texts made at random.

const JUDGE = fileURLToPath(new URL('requirements.py', import.meta.url));
/** Fixed, so that a difference found is found again. */
const SEED = Number(process.env['VERBATIM_TEST_SEED'] ?? 508);
const CASES = Number(process.env['VERBATIM_TEST_CASES'] ?? 6000);

const bin = await packaging();

interface Asked {
  readonly versions: readonly (readonly [string, string])[];
  readonly specifiers: readonly (readonly [string, string])[];
  readonly requirements: readonly string[];
  readonly markers: readonly (readonly [string, Readonly<Record<string, string>>, readonly string[]])[];
  readonly tags: readonly (readonly [readonly number[], readonly string[]])[];
}

interface Answered {
  readonly versions: readonly (number | null)[];
  readonly specifiers: readonly (boolean | null)[];
  readonly requirements: readonly (null | {
    readonly project: string;
    readonly extras: readonly string[];
    readonly url: string | null;
    readonly hasMarker: boolean;
  })[];
  readonly markers: readonly (boolean | null | 'undefined')[];
  readonly tags: readonly (readonly string[])[];
}

async function ask(python: string, asked: Partial<Asked>): Promise<Answered> {
  const child = spawn(join(python, 'python'), [JUDGE], {
    env: clientEnvironment(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify({ versions: [], specifiers: [], requirements: [], markers: [], tags: [], ...asked }));
  return JSON.parse(await text(child.stdout));
}

const roll = dice(SEED);
const oneOf = <T>(all: readonly T[]): T => all[roll(all.length)] as T;
const many = <T>(make: () => T, count = CASES): T[] => Array.from({ length: count }, make);
const some = (share: number, make: () => string) => (roll(100) < share ? make() : '');

const digits = () => oneOf(['0', '1', '2', '3', '10', '01', '2024', '18446744073709551617']);
const release = () => Array.from({ length: 1 + roll(4) }, digits).join('.');
const glue = () => oneOf(['', '.', '-', '_']);
const pre = () =>
  glue() + oneOf(['a', 'b', 'rc', 'c', 'alpha', 'beta', 'pre', 'preview', 'RC']) + glue() + oneOf(['', '0', '1', '12']);
const post = () => oneOf(['-1', '.post1', '.post', 'r2', '-rev.3', '.post0']);
const dev = () => oneOf(['.dev1', 'dev', '-dev0', '_dev2']);
const local = () => oneOf(['+a', '+1', '+ubuntu.1', '+1.a', '+A-2', '+10', '+a.b.1', '+2a']);
const version = () =>
  some(10, () => 'v') +
  some(10, () => '1!') +
  release() +
  some(30, pre) +
  some(20, post) +
  some(20, dev) +
  some(20, local) +
  some(3, () => oneOf(['x', '.', '+', ' ']));
const operator = () => oneOf(['==', '!=', '<=', '>=', '<', '>', '~=', '===']);
const clause = () => some(20, () => ' ') + operator() + some(20, () => ' ') + version() + some(15, () => '.*');
const clauses = () => Array.from({ length: 1 + roll(2) }, clause).join(',');

const VALUES = {
  python_version: ['3.8', '3.12', '3.13'],
  python_full_version: ['3.8.1', '3.12.0', '3.13.0rc1'],
  os_name: ['posix', 'nt'],
  sys_platform: ['linux', 'win32', 'darwin'],
  platform_release: ['', '6.1.0', '6.1.0-amd64'],
  platform_system: ['Linux', 'Windows'],
  platform_version: ['', '#1 SMP'],
  platform_machine: ['x86_64', 'arm64'],
  platform_python_implementation: ['CPython', 'PyPy'],
  implementation_name: ['cpython', 'pypy'],
  implementation_version: ['3.8.1', '3.12.0'],
} as const;
const NAMES = Object.keys(VALUES) as (keyof typeof VALUES)[];
const quoted = (word: string) => (roll(2) === 0 ? `'${word}'` : `"${word}"`);
const comparison = () => oneOf(['==', '!=', '<', '>', '<=', '>=', '~=', '===', 'in', 'not in']);
const itemOf = (): string => {
  if (roll(8) === 0) return `extra ${oneOf(['==', '!='])} ${quoted(oneOf(['dev', 'Test_Me', 'x', '']))}`;
  if (roll(12) === 0)
    return `${quoted(oneOf(['dev', 'Test_Me']))} ${oneOf(['in', 'not in'])} ${oneOf(['extras', 'dependency_groups'])}`;
  const name = oneOf(NAMES);
  const value = quoted(oneOf<string>([...VALUES[name], '3.9', '3.8.*', 'linux2', '3.8 3.12']));
  return roll(4) === 0 ? `${value} ${comparison()} ${name}` : `${name}${some(80, () => ' ')}${comparison()} ${value}`;
};
const markerOf = (depth = 0): string => {
  const part = () => (depth < 3 && roll(4) === 0 ? `(${some(30, () => ' ')}${markerOf(depth + 1)})` : itemOf());
  return (
    Array.from({ length: 1 + roll(3) }, part).reduce((all, next) => `${all} ${oneOf(['and', 'or'])} ${next}`) +
    some(2, () => oneOf([' and', ')', ' x', ' or os_name']))
  );
};
const environment = () => Object.fromEntries(NAMES.map((name) => [name, oneOf<string>(VALUES[name])]));
const name = () => oneOf(['a', 'foo', 'Foo.Bar', 'foo-bar_baz', 'a1', '-a', 'a-', 'foo bar', '', 'é']);
const requirementOf = () =>
  some(10, () => ' ') +
  name() +
  some(20, () => ' ') +
  some(30, () => oneOf(['[a]', '[a,b]', '[ A , b ]', '[]', '[a b]', '[a', '[a,]', '[A_b,a.B]'])) +
  oneOf([
    () => '',
    clauses,
    () => ` (${clauses()})`,
    () => `(${clauses()}`,
    () => '@ https://host/a.whl',
    () => '@https://host/a;b',
    () => ' @ ',
    () => ' >= 1, < 2',
    () => '>=1,',
    () => '>=1 <2',
  ])() +
  some(40, () => oneOf([';', ' ; ', '; ']) + markerOf()) +
  some(5, () => oneOf([' ', ' #', ' x', ';']));

describe.runIf(requirePart('the environment packaging', bin))('beside packaging', () => {
  const python = bin ?? '';

  it('versions have the same order', async () => {
    const versions = many(() => [version(), version()] as const);
    const { versions: theirs } = await ask(python, { versions });
    const ours = versions.map(([one, other]) => {
      const [a, b] = [parseVersion(one), parseVersion(other)];
      return a === undefined || b === undefined ? null : Math.sign(compareVersions(a, b));
    });
    expect(versions.flatMap((pair, at) => (ours[at] === theirs[at] ? [] : [[pair, ours[at], theirs[at]]]))).toEqual([]);
    expect(new Set(theirs)).toEqual(new Set([null, -1, 0, 1]));
  });

  it('the same versions are wanted', async () => {
    const specifiers = many(() => [clauses(), version()] as const);
    const { specifiers: theirs } = await ask(python, { specifiers });
    const ours = specifiers.map(([set, candidate]) => parseSpecifiers(set)?.contains(candidate) ?? null);
    expect(specifiers.flatMap((pair, at) => (ours[at] === theirs[at] ? [] : [[pair, ours[at], theirs[at]]]))).toEqual(
      [],
    );
    expect(new Set(theirs)).toEqual(new Set([null, true, false]));
  });

  it('requirements are read the same', async () => {
    const requirements = many(requirementOf);
    const { requirements: theirs } = await ask(python, { requirements });
    const ours = requirements.map((each) => {
      const read = parseRequirement(each);
      if (read === undefined) return null;
      const { project, extras, url, marker } = read;
      return { project, extras: extras.toSorted(), url: url ?? null, hasMarker: marker !== undefined };
    });
    expect(
      requirements.flatMap((each, at) =>
        JSON.stringify(ours[at]) === JSON.stringify(theirs[at]) ? [] : [[each, ours[at], theirs[at]]],
      ),
    ).toEqual([]);
    expect(theirs.filter((each) => each !== null).length).toBeGreaterThan(CASES / 10);
  });

  it('markers hold in the same environments', async () => {
    const markers = many(() => [markerOf(), environment(), oneOf([[], ['dev'], ['dev', 'test-me']])] as const);
    const { markers: theirs } = await ask(python, { markers });
    const ours = markers.map(([marker, values, extras]) => {
      const read = parseMarker(marker);
      return read === undefined
        ? null
        : markerHolds(read, { values: values as Record<keyof typeof VALUES, string>, extras: new Set(extras) });
    });
    const differs = (at: number) => (theirs[at] === 'undefined' ? ours[at] === null : ours[at] !== theirs[at]);
    expect(markers.flatMap((each, at) => (differs(at) ? [[each, ours[at], theirs[at]]] : []))).toEqual([]);
    expect(new Set(theirs)).toEqual(new Set([null, true, false, 'undefined']));
  });

  it('wheels suit the same environments', async () => {
    const platforms = ['manylinux_2_28_x86_64', 'manylinux2014_x86_64', 'linux_x86_64'];
    const {
      tags: [theirs = []],
    } = await ask(python, { tags: [[[3, 12], platforms]] });
    const own = environmentOf('e', { python: '3.12', platform: 'manylinux_2_28_x86_64' });
    const pythons = ['py3', 'py312', 'py313', 'py30', 'py2', 'cp312', 'cp311', 'cp313', 'cp32', 'cp31', 'pp310'];
    const abis = ['none', 'abi3', 'cp312', 'cp311', 'cp312t'];
    const all = pythons.flatMap((one) =>
      abis.flatMap((abi) => [...platforms, 'any', 'win_amd64'].map((at) => `${one}-${abi}-${at}`)),
    );
    const ours = all.filter((tag) => own.suits(`a-1.0-${tag}.whl`));
    expect(ours.toSorted()).toEqual(all.filter((tag) => theirs.includes(tag)).toSorted());
  });
});
