import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { environmentOf } from '../../../src/pypi/resolving/environment.ts';
import { type Asked, Gathering, type Selection } from '../../../src/sync/selection/asked.ts';
import { MAX_ASKED, MAX_HASHES, MAX_INCLUDE_DEPTH, MAX_TEXT } from '../../../src/sync/selection/limits.ts';
import { readLock } from '../../../src/sync/selection/locks.ts';
import { included } from '../../../src/sync/selection/places.ts';
import { askedBy, globMatcher, readRequirements } from '../../../src/sync/selection/requirements.ts';
import { readSbom } from '../../../src/sync/selection/sbom.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);

function shown({ project, extras, specifiers, hashes, files, isLocked, marker, at }: Asked) {
  return {
    what: `${project}${extras.length === 0 ? '' : `[${extras.join()}]`}${specifiers.text}`,
    ...(hashes.size > 0 && { hashes: [...hashes] }),
    ...(files !== undefined && { files: [...files.keys()] }),
    ...(isLocked && { isLocked }),
    ...(marker !== undefined && { hasMarker: true }),
    at,
  };
}

async function refusalOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Refusal) return `${error.reason}: ${error.message}`;
    throw error;
  }
  throw new Error('nothing was refused');
}

async function requirements(files: Readonly<Record<string, string>>): Promise<Selection> {
  const read = async (path: string) => {
    const text = files[path];
    if (text === undefined) throw new Refusal('unlisted', `${path} is not there.`);
    return text;
  };
  return readRequirements('r.txt', await read('r.txt'), read);
}

describe('a list of requirements', () => {
  it('asks for what its lines say', async () => {
    const { asked, passedOver } = await requirements({
      'r.txt': [
        '\ufeff# what we need',
        '--index-url https://pypi.org/simple  # a setting',
        'Foo_Bar [B,a] >=1.0, <2 ; python_version < "3.9"  # why',
        'locked==1.0 \\',
        `    --hash=sha256:${A} \\`,
        '    # a comment ends what was continued',
        'more==2 \\',
        `    --hash=sha256:${B.toUpperCase()} --hash=md5:${'1'.repeat(32)}`,
        '',
        'url @ https://host/x.whl',
        '-e ./here',
        './there.whl',
        'last',
      ].join('\r\n'),
    });
    expect(asked.map(shown)).toEqual([
      { what: 'foo-bar[b,a]>=1.0,<2', hasMarker: true, at: 'r.txt:3' },
      { what: 'locked==1.0', hashes: [`sha256:${A}`], isLocked: true, at: 'r.txt:4' },
      { what: 'more==2', hashes: [`sha256:${B}`], isLocked: true, at: 'r.txt:7' },
      { what: 'last', at: 'r.txt:13' },
    ]);
    expect(passedOver.map(({ at, isMissing }) => [at, isMissing])).toEqual([
      ['r.txt:2', false],
      ['r.txt:10', true],
      ['r.txt:11', true],
      ['r.txt:12', true],
    ]);
  });

  it('includes others of its directory, each once, and constrains', async () => {
    const { asked, constraints } = await requirements({
      'r.txt': '-r sub/b.txt\n--constraint c.txt\none\n-rsub/b.txt',
      'sub/b.txt': 'two\n-r ../r.txt\n-r "./d.txt"',
      'sub/d.txt': 'three',
      'c.txt': 'two<3\n-r sub/d.txt\nfour @ https://host/four.whl',
    });
    expect(asked.map(shown)).toEqual([
      { what: 'two', at: 'sub/b.txt:1' },
      { what: 'three', at: 'sub/d.txt:1' },
      { what: 'one', at: 'r.txt:3' },
    ]);
    expect(constraints.map(shown)).toEqual([
      { what: 'two<3', at: 'c.txt:1' },
      { what: 'three', at: 'sub/d.txt:1' },
    ]);
  });

  it.each(['../c.txt', '/etc/passwd', 'https://host/c.txt', 'sub/../../c.txt', 'C:\\c.txt', '.'])(
    'reads nothing beside its directory: %s',
    async (target) => {
      const refusal = await refusalOf(() => requirements({ 'r.txt': `one\n-r ${target}` }));
      expect(refusal).toBe(
        `format: r.txt:2: "${target}" does not lie in the directory of the list, which is all that is read.`,
      );
    },
  );

  it.each([
    ['one two', 'format: r.txt:1: "one two" is no requirement (PEP 508).'],
    ['\n\none==1 --hash=sha256:12', 'format: r.txt:3: "--hash=sha256:12" is no hash.'],
    ['one --hash=md5', 'format: r.txt:1: "--hash=md5" is no option of a requirement.'],
    [
      `one==1 --hash=md5:${'1'.repeat(32)}`,
      'format: r.txt:1: its hashes vouch for nothing; what does is sha256, sha384, sha512, blake2b-256.',
    ],
    ['--frobnicate', 'format: r.txt:1: "--frobnicate" is no option that lists of requirements have.'],
  ])('is refused by the line: %j', async (text, refusal) => {
    expect(await refusalOf(() => requirements({ 'r.txt': text }))).toBe(refusal);
  });

  it('has limits', async () => {
    expect(await refusalOf(() => requirements({ 'r.txt': '#'.repeat(MAX_TEXT + 1) }))).toMatch(/^limit: r.txt: /);
    const many = Array.from(
      { length: MAX_HASHES + 1 },
      (_, at) => `--hash=sha256:${at.toString(16).padStart(64, '0')}`,
    );
    expect(await refusalOf(() => requirements({ 'r.txt': `a==1 ${many.join(' ')}` }))).toMatch(/^limit: r.txt:1: /);
    const deep = Object.fromEntries(
      Array.from({ length: MAX_INCLUDE_DEPTH + 2 }, (_, at) => [at === 0 ? 'r.txt' : `${at}.txt`, `-r ${at + 1}.txt`]),
    );
    expect(await refusalOf(() => requirements(deep))).toMatch(/^limit: 16.txt:1: /);
    const wide = Array.from({ length: 300 }, (_, at) => [`${at}.txt`, ''] as const);
    const all = wide.map(([name]) => `-r ${name}`).join('\n');
    expect(await refusalOf(() => requirements({ 'r.txt': all, ...Object.fromEntries(wide) }))).toMatch(
      /^limit: r.txt:256: /,
    );
  });
});

it.each([
  ['a/b/r.txt', '../c.txt', 'a/c.txt'],
  ['r.txt', './/c.txt', 'c.txt'],
  ['r.txt', 'c\\d.txt', undefined],
  ['r.txt', 'c\0', undefined],
])('%s includes %j as %j', (from, target, path) => {
  expect(included(from, target)).toBe(path);
});

it('a command line asks for one project of an index', async () => {
  expect(shown(askedBy('Foo[x]>1'))).toEqual({ what: 'foo[x]>1', at: 'Foo[x]>1' });
  expect(await refusalOf(() => askedBy('a @ https://host/a.whl'))).toMatch(/^format: /);
  expect(await refusalOf(() => askedBy('a b'))).toMatch(/^format: /);
});

it.each([
  ['django-*', 'django-filter', true],
  ['Django_*', 'django', false],
  ['*', 'x', true],
  ['b', 'ab', false],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['*-stubs', 'types-x-stubs', true],
  ['*a*b*', 'xxaxxbxx', true],
  ['*a*b', 'xxaxxbxx', false],
  [`${'*a'.repeat(90)}*b`, 'a'.repeat(200), false],
])('the pattern %s and the name %s: %s', (pattern, name, is) => {
  expect(globMatcher(pattern)(name)).toBe(is);
});

it.each(['a/*', '*$', '-*', '', 'é*', '*'.repeat(201)])('%j is no pattern', async (pattern) => {
  expect(await refusalOf(() => globMatcher(pattern))).toMatch(/^format: /);
});

describe('a lock', () => {
  const file = (name: string, hash: string) =>
    `{url = "https://files.example.org/aa/${name}?x=1", hash = "sha256:${hash}", size = 3}`;

  it('of uv names files by URL', () => {
    const { asked, passedOver } = readLock(
      'uv.lock',
      [
        'version = 1',
        'revision = 3',
        '[[package]]',
        'name = "Own"',
        'version = "0.1"',
        'source = { editable = "." }',
        '',
        '[[package]]',
        'name = "One"',
        'version = "1.0"',
        'source = { registry = "https://pypi.org/simple" }',
        `sdist = ${file('one-1.0.tar.gz', A)}`,
        `wheels = [${file('one-1.0-py3-none-any%2B.whl', B)}]`,
        '[[package]]',
        'name = "two"',
        'source = { git = "https://host/two" }',
      ].join('\n'),
    );
    expect(asked.map(shown)).toEqual([
      {
        what: 'one==1.0',
        hashes: [`sha256:${B}`, `sha256:${A}`],
        files: ['one-1.0-py3-none-any+.whl', 'one-1.0.tar.gz'],
        isLocked: true,
        at: 'uv.lock:8',
      },
    ]);
    expect(passedOver.map(({ what, at, isMissing }) => [what, at, isMissing])).toEqual([
      ['own', 'uv.lock:3', false],
      ['two', 'uv.lock:14', true],
    ]);
  });

  it('of uv wants what its own project requires in an environment, along markers of requirements', () => {
    const locked = (name: string, ...lines: readonly string[]) => [
      '[[package]]',
      `name = "${name}"`,
      ...(lines.some((line) => line.startsWith('version')) ? [] : ['version = "1.0"']),
      'source = { registry = "https://pypi.org/simple" }',
      `wheels = [${file(`${name}-1.0-py3-none-any.whl`, B)}]`,
      ...lines,
    ];
    const on = (system: string) => `marker = "sys_platform == '${system}'"`;
    const { asked } = readLock(
      'uv.lock',
      [
        'version = 1',
        '[[package]]',
        'name = "own"',
        'version = "0.1"',
        'source = { virtual = "." }',
        `dependencies = [{ name = "everywhere" }, { name = "colour", ${on('win32')} }, { name = "forked", version = "1.0", ${on('win32')} }, { name = "forked", version = "2.0", ${on('linux')} }]`,
        '[package.optional-dependencies]',
        `speed = [{ name = "fast", ${on('linux')} }]`,
        '[package.dev-dependencies]',
        `dev = [{ name = "check", marker = "extra == 'extra-3-own-a' or sys_platform == 'win32'" }]`,
        ...locked('everywhere', `dependencies = [{ name = "deep", ${on('win32')} }, { name = "circle" }]`),
        ...locked('circle', 'dependencies = [{ name = "everywhere" }]'),
        ...locked('colour', 'dependencies = [{ name = "paint" }]'),
        ...locked('paint'),
        ...locked('deep'),
        ...locked('fast'),
        ...locked('check'),
        ...locked('forked', `resolution-markers = ["sys_platform == 'win32'"]`),
        ...locked('forked', 'version = "2.0"'),
        ...locked('lonely'),
      ].join('\n'),
    );
    const wanted = (platform: string) => {
      const { values } = environmentOf(platform, { python: '3.12', platform });
      return asked.flatMap(({ project, specifiers, isWanted }) =>
        isWanted?.(values) === false ? [] : [project === 'forked' ? `forked ${specifiers.contains('2.0')}` : project],
      );
    };
    // What requires it stands in no package: nobody can say where it is not wanted.
    expect(wanted('linux')).toEqual(['everywhere', 'circle', 'fast', 'check', 'forked true', 'lonely']);
    expect(wanted('windows')).toEqual([
      'everywhere',
      'circle',
      'colour',
      'paint',
      'deep',
      'check',
      'forked false',
      'lonely',
    ]);
  });

  it.each([
    ['a requirement without a name', 'dependencies = [{ version = "1" }]'],
    ['resolution markers that are no texts', 'resolution-markers = [1]'],
    ['resolution markers that are no list', 'resolution-markers = 1'],
    ['a marker that is none', `dependencies = [{ name = "a", marker = "sys_platform = 'x'" }]`],
  ])('of uv with %s is refused by its line', async (_, line) => {
    const text = ['version = 1', '[[package]]', 'name = "own"', 'source = { virtual = "." }', line].join('\n');
    expect(await refusalOf(() => readLock('uv.lock', text))).toMatch(/^format: uv\.lock:2: /);
  });

  it('of PEP 751 names them with hashes of several kinds', () => {
    const { asked, passedOver } = readLock(
      'pylock.toml',
      [
        'lock-version = "1.0"',
        'created-by = "a hand"',
        '[[packages]]',
        'name = "one"',
        'version = "1.0"',
        'marker = "sys_platform == \'linux\'"',
        `wheels = [{name = "one.whl", url = "https://h/x", hashes = {sha256 = "${A}", sha512 = "${A}${A}"}}]`,
        // For auditors alone (PEP 751): what is installed is said by each package's own marker.
        'dependencies = [{name = "two", marker = "sys_platform == \'win32\'"}, {name = "nowhere"}]',
        '[[packages]]',
        'name = "two"',
        'vcs = {type = "git", url = "https://h/two", commit-id = "1"}',
        '[[packages]]',
        'name = "three"',
        'directory = {path = "."}',
      ].join('\n'),
    );
    expect(asked.map(shown)).toEqual([
      {
        what: 'one==1.0',
        hashes: [`sha256:${A}`, `sha512:${A}${A}`],
        files: ['one.whl'],
        isLocked: true,
        hasMarker: true,
        at: 'pylock.toml:3',
      },
    ]);
    expect(passedOver.map(({ what, isMissing }) => [what, isMissing])).toEqual([
      ['two', true],
      ['three', false],
    ]);
  });

  it.each([
    ['2.1', '', `files = [{file = "one-1.0.tar.gz", hash = "sha256:${A}"}]`],
    ['1.1', `[metadata.files]\none = [{file = "one-1.0.tar.gz", hash = "sha256:${A}"}]`, ''],
  ])('of Poetry %s names them by file', (version, former, files) => {
    const { asked, passedOver } = readLock(
      'poetry.lock',
      [
        '[[package]]\nname = "one"\nversion = "1.0"\nmarkers = "python_version > \'3\'"',
        files,
        '[[package]]\nname = "two"\nversion = "1"\n[package.source]\ntype = "git"\nurl = "https://h/two"',
        `[metadata]\nlock-version = "${version}"`,
        former,
      ].join('\n'),
    );
    expect(asked.map(shown)).toEqual([
      {
        what: 'one==1.0',
        hashes: [`sha256:${A}`],
        files: ['one-1.0.tar.gz'],
        isLocked: true,
        hasMarker: true,
        at: 'poetry.lock:1',
      },
    ]);
    expect(passedOver.map(({ what, isMissing }) => [what, isMissing])).toEqual([['two', true]]);
  });

  it('of PDM names them by file, once for all extras', () => {
    const { asked, passedOver } = readLock(
      'pdm.lock',
      [
        '[metadata]\nlock_version = "4.5.0"',
        `[[package]]\nname = "one"\nversion = "1.0"\nfiles = [{file = "one-1.0.tar.gz", hash = "sha256:${A}"}]`,
        '[[package]]\nname = "one"\nversion = "1.0"\nextras = ["x"]',
        '[[package]]\nname = "two"\nversion = "1.0"\npath = "./two"',
      ].join('\n'),
    );
    expect(asked.map(({ files }) => [...(files?.keys() ?? [])])).toEqual([['one-1.0.tar.gz']]);
    expect(passedOver.map(({ what, isMissing }) => [what, isMissing])).toEqual([['two', false]]);
  });

  it.each([
    ['version = 1\n[[package]\n', 'format: l.lock:2: it is no TOML.'],
    ['x = 1', 'format: l.lock: it is no lock of pylock.toml, uv, Poetry or PDM.'],
    ['version = 2', 'format: l.lock: version 2 is not known here; 1 is.'],
    ['lock-version = "2.0"', 'format: l.lock: lock-version "2.0" is not known here; 1.x is.'],
    ['version = 1\n\n[[package]]\nname = "-"\nsource = {registry = ""}', 'format: l.lock:3: "-" is no name.'],
    ['version = 1\n[[package]]\nsource = {registry = ""}', 'format: l.lock:2: it has no name.'],
    [
      'version = 1\n[[package]]\nname = "a"\nversion = "x"\nsource = {registry = ""}',
      'format: l.lock:2: "x" is no version.',
    ],
    ['version = 1\n[[package]]\nname = 1\nsource = {registry = ""}', 'format: l.lock:2: "name" is no text.'],
    [
      'version = 1\n[[package]]\nname = "a"\nsource = {registry = ""}\nwheels = [1]',
      'format: l.lock:2: "wheels" is no list of tables.',
    ],
    [
      'version = 1\n[[package]]\nname = "a"\nsource = {registry = ""}\nwheels = 1',
      'format: l.lock:2: "wheels" is no list of tables.',
    ],
    [
      'version = 1\n[[package]]\nname = "a"\nsource = {registry = ""}\nsdist = 1',
      'format: l.lock:2: "sdist" is no table.',
    ],
    [
      'version = 1\n[[package]]\nname = "a"\nsource = {registry = ""}\nwheels = [{hash = "sha256:x", url = "a"}]',
      'format: l.lock:2: "sha256:x" is no hash.',
    ],
    [
      'version = 1\n[[package]]\nname = "a"\nsource = {registry = ""}\nwheels = [{url = "h/"}]',
      'format: l.lock:2: it lists a file without a name.',
    ],
    [
      `version = 1\n[[package]]\nname = "a"\nsource = {registry = ""}\nwheels = [{url = "a", hash = "md5:${'1'.repeat(32)}"}]`,
      `format: l.lock:2: the hash "md5:${'1'.repeat(32)}" vouches for nothing; what does is sha256, sha384, sha512, blake2b-256.`,
    ],
    ['lock-version = "1.0"\n[[packages]]\nname = "a"\nmarker = "x"', 'format: l.lock:2: "x" is no marker.'],
    ['version = 1\npackage = 1', 'format: l.lock: "package" is no list.'],
    ['version = 1\npackage = [1]', 'format: l.lock: "package" holds something else than packages.'],
  ])('is refused by the line: %j', async (text, refusal) => {
    expect(await refusalOf(() => readLock('l.lock', text))).toBe(refusal);
  });

  it('has limits', async () => {
    expect(await refusalOf(() => readLock('l.lock', ' '.repeat(MAX_TEXT + 1)))).toMatch(/^limit: l.lock: /);
    expect(await refusalOf(() => readLock('l.lock', `a = ${'['.repeat(100)}${']'.repeat(100)}`))).toMatch(/^format: /);
    const wheels = Array.from({ length: MAX_HASHES + 1 }, () => '{}').join();
    const text = `version = 1\n[[package]]\nname = "a"\nsource = {registry = ""}\nwheels = [${wheels}]`;
    expect(await refusalOf(() => readLock('l.lock', text))).toMatch(/^limit: l.lock:2: /);
  });
});

describe('an SBOM', () => {
  const sbom = (components: unknown, rest: object = {}) =>
    readSbom('b.json', Buffer.from(JSON.stringify({ bomFormat: 'CycloneDX', components, ...rest })));

  it('names packages by purl, with their hashes, however deep', () => {
    const { asked, passedOver } = sbom([
      { name: 'openssl', purl: 'pkg:deb/debian/openssl@3' },
      {
        name: 'One',
        purl: 'pkg:pypi/One@1.0%2Bx?file_name=one.whl#sub',
        hashes: [
          { alg: 'SHA-256', content: A },
          { alg: 'MD5', content: '1' },
        ],
        components: [{ purl: 'pkg:pypi/inner' }],
      },
      {
        purl: 'pkg:pypi/two@2',
        externalReferences: [
          { type: 'distribution', hashes: [{ alg: 'SHA-256', content: B }] },
          { type: 'website', hashes: [{ alg: 'SHA-256', content: A }] },
        ],
      },
    ]);
    expect(asked.map(shown)).toEqual([
      { what: 'inner', isLocked: true, at: 'b.json: component 3' },
      { what: 'one==1.0+x', hashes: [`sha256:${A}`], files: ['one.whl'], isLocked: true, at: 'b.json: component 2' },
      { what: 'two==2', hashes: [`sha256:${B}`], isLocked: true, at: 'b.json: component 4' },
    ]);
    expect(passedOver.map(({ what, isMissing }) => [what, isMissing])).toEqual([['openssl', false]]);
  });

  it.each([
    [[1], {}, 'format: b.json: component 1: it is no object.'],
    [{}, {}, 'format: b.json: "components" is no list.'],
    [[], { bomFormat: 'SPDX' }, 'format: b.json: it is no CycloneDX SBOM: "bomFormat" does not say so.'],
    [[{ purl: 'pkg:pypi/-' }], {}, 'format: b.json: component 1: "pkg:pypi/-" is no purl of a Python package.'],
    [[{ purl: 'pkg:pypi/a@no' }], {}, 'format: b.json: component 1: "pkg:pypi/a@no" is no purl of a Python package.'],
    [[{ purl: 'pkg:pypi/a', hashes: 1 }], {}, 'format: b.json: component 1: "hashes" is no list.'],
    [
      [{ purl: 'pkg:pypi/a', hashes: [{ alg: 'SHA-256', content: 'x' }] }],
      {},
      'format: b.json: component 1: "x" is no SHA-256.',
    ],
  ])('is refused by the component: %j', async (components, rest, refusal) => {
    expect(await refusalOf(() => sbom(components, rest))).toBe(refusal);
  });

  it('has limits', async () => {
    expect(await refusalOf(() => readSbom('b.json', new Uint8Array(MAX_TEXT + 1)))).toMatch(/^limit: b.json: /);
    expect(await refusalOf(() => readSbom('b.json', Buffer.from('[]')))).toBe(
      'format: b.json: it is no CycloneDX SBOM.',
    );
  });
});

it('no more is asked for than there may be, whatever becomes of it', async () => {
  const gathering = new Gathering();
  const passed = { what: 'a', why: 'it is passed over', at: 'r.txt:1', isMissing: false };
  for (let count = 0; count < MAX_ASKED; count++) gathering.passOver(passed);
  expect(await refusalOf(() => gathering.ask(askedBy('b')))).toMatch(/^limit: b: asks for more than/);
});
