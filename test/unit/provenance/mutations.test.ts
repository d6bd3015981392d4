import { beforeAll, expect, it } from 'vitest';
import { type Grounds, judgeProvenance } from '../../../src/provenance/judge.ts';
import { type Claims, GITHUB_CLAIMS, GITHUB_PUBLISHER, startSigstore } from '../../support/sigstore.ts';
import { data, groundsOf, MILL, OF_GITHUB, PYPI_ATTESTATIONS, production } from './sources.ts';

// Valid attestations with one field changed, removed or doubled: none of them is verified, and none stops the judge.

/** 100,000 were run before this was written; VERBATIM_TEST_MUTATIONS sets how many. */
const MUTATIONS = Number(process.env['VERBATIM_TEST_MUTATIONS'] ?? 1500);

type Path = readonly (string | number)[];

/** mulberry32. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

function* pathsOf(value: unknown, path: Path = []): Generator<Path> {
  if (path.length > 0) yield path;
  if (typeof value !== 'object' || value === null) return;
  for (const [key, each] of Object.entries(value))
    yield* pathsOf(each, [...path, Array.isArray(value) ? Number(key) : key]);
}

function changed(value: unknown, random: (below: number) => number): unknown {
  if (typeof value === 'number') return value + 1 + random(5);
  if (typeof value !== 'string' || value === '') return random(2) === 0 ? 'x' : 7;
  const at = random(value.length);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \n\u2014';
  let next = value[at];
  while (next === value[at]) next = alphabet[random(alphabet.length)];
  return value.slice(0, at) + next + value.slice(at + 1);
}

/** The document as text, with one place changed, left out, or written twice. */
function mutated(
  value: unknown,
  at: Path,
  how: 'change' | 'remove' | 'double',
  random: (below: number) => number,
): string {
  const write = (each: unknown, left: Path | undefined): string => {
    if (typeof each !== 'object' || each === null) return JSON.stringify(each);
    const isList = Array.isArray(each);
    const members = Object.entries(each).flatMap(([key, member]) => {
      const isThere = left !== undefined && String(left[0]) === key;
      const text = (what: unknown, rest?: Path) => `${isList ? '' : `${JSON.stringify(key)}:`}${write(what, rest)}`;
      if (!isThere) return [text(member)];
      if (left.length > 1) return [text(member, left.slice(1))];
      if (how === 'remove') return [];
      return how === 'double' ? [text(member), text(member)] : [text(changed(member, random))];
    });
    return isList ? `[${members.join()}]` : `{${members.join()}}`;
  };
  return write(value, at);
}

const GITLAB = 'https://gitlab.corp.test';
const CIRCLE = 'https://circleci.com/api/v2/projects/p1/pipeline-definitions/d1';

/** One publisher of each kind that is known, and what its certificate says. */
const KINDS: readonly { publisher: Readonly<Record<string, string>>; claims: Claims; subject?: string }[] = [
  { publisher: GITHUB_PUBLISHER, claims: GITHUB_CLAIMS },
  {
    publisher: { kind: 'GitLab', repository: 'group/mill', workflow_filepath: '.gitlab-ci.yml' },
    claims: {
      8: GITLAB,
      12: `${GITLAB}/group/mill`,
      14: 'refs/heads/main',
      15: '9',
      18: `${GITLAB}/group/mill//.gitlab-ci.yml@refs/heads/main`,
    },
  },
  {
    publisher: { kind: 'Google', email: 'https://example.test/robot' },
    claims: { 8: 'https://accounts.google.com' },
    subject: 'https://example.test/robot',
  },
  {
    publisher: { kind: 'CircleCI', project_id: 'p1', pipeline_definition_id: 'd1' },
    claims: { 8: 'https://oidc.circleci.com', 9: CIRCLE, 12: 'github.com/octo/mill', 14: 'refs/heads/main' },
  },
];

const sources: { name: string; attestation: unknown; publisher: unknown; file: typeof MILL; grounds: Grounds }[] = [];
beforeAll(async () => {
  const sigstore = await startSigstore();
  const grounds = groundsOf(sigstore, [GITLAB]);
  for (const rekor of [1, 2] as const)
    for (const { publisher, ...signed } of KINDS)
      sources.push({
        name: `${publisher['kind']}, generation ${rekor}`,
        attestation: await sigstore.attest(MILL, { rekor, ...signed }),
        publisher,
        file: MILL,
        grounds,
      });
  const real = JSON.parse((await data('pypi_attestations-0.0.19.tar.gz.slsa.attestation')).toString()) as unknown;
  sources.push({
    name: 'PyPI',
    attestation: real,
    publisher: OF_GITHUB,
    file: PYPI_ATTESTATIONS,
    grounds: await production(),
  });
});

const wrap = (attestation: string, publisher: unknown) =>
  Buffer.from(
    `{"version":1,"attestation_bundles":[{"publisher":${JSON.stringify(publisher)},"attestations":[${attestation}]}]}`,
  );

it('has no mutation of an attestation verified', { timeout: 3_600_000 }, () => {
  const verified: string[] = [];
  for (const { name, attestation, publisher, file, grounds } of sources) {
    expect(judgeProvenance(wrap(JSON.stringify(attestation), publisher), file, grounds).result).toBe('verified');
    const paths = [...pathsOf(attestation)];
    const judge = (path: Path, how: 'change' | 'remove' | 'double', seed: number) => {
      const text = mutated(attestation, path, how, randomOf(seed));
      if (judgeProvenance(wrap(text, publisher), file, grounds).result === 'verified')
        verified.push(`${name}: ${how} ${path.join('.')} (seed ${seed})`);
    };
    for (const path of paths) for (const how of ['remove', 'double'] as const) judge(path, how, 1);
    const random = randomOf(name.length);
    for (let seed = 0; seed < MUTATIONS / sources.length; seed++)
      judge(paths[random(paths.length)] ?? [], 'change', seed);
  }
  expect(verified.join('\n')).toBe('');
});

it('has no name of the log taken for a pattern', () => {
  for (const { attestation, publisher, file, grounds } of sources.filter(({ name }) => name !== 'PyPI'))
    for (const name of ['rekor.example.tes+', 'rekor.example..est', 'rekor', '.*']) {
      const text = JSON.stringify(attestation).replace('\u2014 rekor.example.test ', `\u2014 ${name} `);
      expect(text).not.toBe(JSON.stringify(attestation));
      expect(judgeProvenance(wrap(text, publisher), file, grounds).result).toBe('refused');
    }
});

it('has no publisher verified of whom the index says something else', { timeout: 600_000 }, () => {
  const verified: string[] = [];
  for (const { name, attestation, publisher, file, grounds } of sources) {
    const written = wrap(JSON.stringify(attestation), publisher).toString();
    for (const path of pathsOf(publisher)) {
      // Nobody signs an environment.
      if (path[0] === 'environment') continue;
      for (const how of ['change', 'remove', 'double'] as const)
        for (let seed = 0; seed < (how === 'change' ? 4 : 1); seed++) {
          const text = written.replace(JSON.stringify(publisher), mutated(publisher, path, how, randomOf(seed)));
          if (judgeProvenance(Buffer.from(text), file, grounds).result === 'verified')
            verified.push(`${name}: ${how} ${path.join('.')} (seed ${seed})`);
        }
    }
  }
  expect(verified.join('\n')).toBe('');
});

it.each([
  ['nothing', ''],
  ['another version', '{"version":2,"attestation_bundles":[]}'],
  ['no bundles', '{"version":1,"attestation_bundles":[]}'],
  ['10,000 levels', `{"version":1,"attestation_bundles":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
  ['10 MB', `{"version":1,"x":"${'x'.repeat(10 * 1024 * 1024)}"}`],
  ['no text', '\u0000\ufffd'],
  [
    '33 attestations',
    JSON.stringify({ version: 1, attestation_bundles: [{ publisher: {}, attestations: new Array(33).fill({}) }] }),
  ],
  [
    '17 bundles',
    JSON.stringify({ version: 1, attestation_bundles: new Array(17).fill({ publisher: {}, attestations: [{}] }) }),
  ],
  ['100,000 values', JSON.stringify({ version: 1, attestation_bundles: [], x: new Array(100_000).fill(1) })],
])('refuses provenance of %s', async (_, text) => {
  expect(judgeProvenance(Buffer.from(text), MILL, await production()).result).toBe('refused');
});
