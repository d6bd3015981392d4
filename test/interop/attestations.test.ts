import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { judgeProvenance } from '../../src/provenance/judge.ts';
import { pypiAttestations } from '../support/environments.ts';
import { clientEnvironment, requirePart } from '../support/python.ts';
import { provenanceOf } from '../support/sigstore.ts';
import { data, GITLAB_PROJECT, OF_GITHUB, PYPI_ATTESTATIONS, production } from '../unit/provenance/sources.ts';

// PyPI's own verifier and this one say the same of attestations that PyPI serves, as they are and with something of them
// changed. It believes the root of Sigstore that came with it, and asks nobody.

const SCRIPT = fileURLToPath(new URL('attestations.py', import.meta.url));
const bin = await pypiAttestations();

interface Case {
  readonly name: string;
  readonly attestation: unknown;
  readonly publisher: unknown;
  readonly filename: string;
  readonly sha256: string;
  readonly project: string;
}

type Fields = Record<string, unknown>;

const parsed = async (name: string) => JSON.parse((await data(`${name}.attestation`)).toString()) as Fields;

/** The same without each field in turn, at every depth. */
function* without(value: unknown, path = ''): Generator<readonly [path: string, value: unknown]> {
  if (typeof value !== 'object' || value === null) return;
  const members = Object.entries(value);
  const made = (entries: readonly (readonly [string, unknown])[]) =>
    Array.isArray(value) ? entries.map(([, member]) => member) : Object.fromEntries(entries);
  for (const [name, member] of members) {
    yield [`${path}.${name}`, made(members.filter(([other]) => other !== name))];
    for (const [at, changed] of without(member, `${path}.${name}`))
      yield [at, made(members.map(([other, was]) => [other, other === name ? changed : was] as const))];
  }
}

async function cases(): Promise<readonly Case[]> {
  const gitlab = { kind: 'GitLab', repository: 'facutuesca/gitlab-oidc-project', workflow_filepath: '.gitlab-ci.yml' };
  const sources: Case[] = [];
  for (const kind of ['publish', 'slsa'])
    sources.push({
      ...PYPI_ATTESTATIONS,
      name: kind,
      publisher: OF_GITHUB,
      attestation: await parsed(`${PYPI_ATTESTATIONS.filename}.${kind}`),
    });
  sources.push({
    ...GITLAB_PROJECT,
    name: 'gitlab',
    publisher: gitlab,
    attestation: await parsed(`${GITLAB_PROJECT.filename}.publish`),
  });
  const staging = {
    project: 'rfc8785',
    filename: 'rfc8785-0.1.2-py3-none-any.whl',
    sha256: 'c4e92e9ecc828bef2aa7dba1de8ac983511f7532a0df11c770d39099a25cf201',
  };
  sources.push({
    ...staging,
    name: 'staging',
    publisher: OF_GITHUB,
    attestation: await parsed(`${staging.filename}.publish`),
  });
  return sources.flatMap((each) => [
    each,
    { ...each, name: `${each.name}, other bytes`, sha256: '00'.repeat(32) },
    { ...each, name: `${each.name}, another version`, filename: each.filename.replace('0.', '9.') },
    {
      ...each,
      name: `${each.name}, another repository`,
      publisher: { ...(each.publisher as Fields), repository: 'octo/mill' },
    },
    {
      ...each,
      name: `${each.name}, another workflow`,
      publisher: { ...(each.publisher as Fields), workflow: 'x.yml', workflow_filepath: 'x.yml' },
    },
    { ...each, name: `${each.name}, a publisher nobody knows`, publisher: { kind: 'Jenkins' } },
    ...[...without(each.attestation)].map(([path, attestation]) => ({
      ...each,
      name: `${each.name} without ${path}`,
      attestation,
    })),
  ]);
}

it.runIf(requirePart('pypi-attestations', bin))(
  'agrees with PyPI about every attestation',
  { timeout: 240_000 },
  async () => {
    const all = await cases();
    const asked = all.map(({ attestation, publisher, filename, sha256 }) =>
      JSON.stringify({ attestation: JSON.stringify(attestation), publisher, filename, sha256 }),
    );
    const answers = execFileSync(join(bin ?? '', 'python'), [SCRIPT], {
      input: `${asked.join('\n')}\n`,
      env: clientEnvironment(),
      encoding: 'utf8',
      maxBuffer: 16 * 1024 * 1024,
    });
    const theirs = answers
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as string);
    expect(theirs).toHaveLength(all.length);
    const grounds = await production();
    const differ = all.flatMap(({ name, attestation, publisher, ...file }, at) => {
      const ours = judgeProvenance(provenanceOf(publisher, attestation), file, grounds);
      const isSame = (ours.result === 'verified') === (theirs[at] === 'verified');
      return isSame ? [] : [`${name}: ${JSON.stringify(ours)}, and PyPI's: ${theirs[at]}`];
    });
    expect(differ.join('\n')).toBe('');
    expect(theirs.filter((each) => each === 'verified').length).toBeGreaterThanOrEqual(3);
    expect(all.length).toBeGreaterThan(80);
  },
);
