import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigRefusal } from '../../../src/config/faults.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { PolicySettings } from '../../../src/policy/settings.ts';

// A policy is read whole or not at all, and what is wrong with it is named with its line.

const DAY = 86_400;
const INDEX = 'indexes:\n  main:\n    upstream: https://index.example/simple/\n    evidence: index\n';

const indented = (text: string, by: string) => text.replace(/^(?=.)/gm, by);

function load(index: string, policy?: string) {
  const folder = mkdtempSync(join(tmpdir(), 'verbatim-policy-'));
  const file = join(folder, 'verbatim.yaml');
  writeFileSync(file, INDEX + indented(index, '    '));
  if (policy !== undefined) writeFileSync(join(folder, 'policy.yaml'), policy);
  return loadConfig({ file, env: {} });
}

function policyOf(index: string, policy?: string): PolicySettings | undefined {
  return load(index, policy).indexes['main']?.policy;
}

function faults(index: string, policy?: string): readonly string[] {
  try {
    load(index, policy);
  } catch (error) {
    if (!(error instanceof ConfigRefusal)) throw error;
    return error.faults.map(({ where, what }) => `${where.replace(/^.*\//, '')}: ${what}`);
  }
  return [];
}

const many = (count: number, each: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => each(at)).join(',');

const WHOLE = `minimum_age: { files: 7d, projects: 4w, since: 2026-11-01, action: deny }
projects:
  "acme-*": { minimum_age: 0 }
names: { deny: [evil, "urllib3 <1.26"] }
conditions:
  - { when: late-file, do: hide }
  - { when: status, in: [archived], do: report, name: left alone }
exceptions:
  - { project: "alpha ==2.0", rule: minimum age, reason: ticket 7, until: 2026-12-24T12:00:00Z }
`;

const READ: PolicySettings = {
  minimumAge: {
    files: 7 * DAY,
    projects: 28 * DAY,
    since: Date.UTC(2026, 10, 1) / 1000,
    action: 'deny',
    fixes: 'wait',
  },
  missingUploadTime: 'omit',
  projects: [{ match: 'acme-*', minimumAge: 0 }],
  names: { allow: undefined, deny: ['evil', 'urllib3 <1.26'], action: 'deny' },
  conditions: [
    { name: 'late-file', action: 'hide', when: 'late-file', after: 14 * DAY },
    { name: 'left alone', action: 'report', when: 'status', in: ['archived'] },
  ],
  exceptions: [
    {
      project: 'alpha ==2.0',
      file: undefined,
      rule: 'minimum age',
      reason: 'ticket 7',
      until: Date.UTC(2026, 11, 24, 12) / 1000,
    },
  ],
};

describe('a policy', () => {
  it('is read below its index, or in a file of its own', () => {
    expect(policyOf(`policy:\n${indented(WHOLE, '  ')}`)).toEqual(READ);
    expect(policyOf('policy_file: policy.yaml\n', WHOLE)).toEqual(READ);
    expect(policyOf('max_age: 60\n')).toBeUndefined();
  });

  it('can be an age alone', () => {
    for (const text of ['minimum_age: 36h\n', 'policy: { minimum_age: 36h }\n'])
      expect(policyOf(text)?.minimumAge).toEqual({
        files: 36 * 3600,
        projects: 0,
        since: undefined,
        action: 'hide',
        fixes: 'wait',
      });
  });

  it('that cannot be read stops the start, with the line of each fault', () => {
    const wrong = `names:
  deny:
    - fine
    - "<2"
conditions:
  - { when: full-moon, do: hide }
  - { when: late-file, do: maybe }
sometimes: 1
`;
    const expected = (line: (n: number) => string, prefix: string) => [
      expect.stringContaining(`${line(4)}: ${prefix}names.deny.1: must be a project`),
      expect.stringContaining(`${line(6)}: ${prefix}conditions.0.when: must be one of sdist-only, late-file`),
      expect.stringContaining(`${line(7)}: ${prefix}conditions.1.do: must be report`),
      expect.stringContaining(`${line(8)}: ${prefix}sometimes: is not a setting`),
    ];
    expect(faults('policy_file: policy.yaml\n', wrong)).toEqual(expected((line) => `policy.yaml line ${line}`, ''));
    expect(faults(`policy:\n${indented(wrong, '  ')}`)).toEqual(
      expected((line) => `line ${line + 5}`, 'indexes.main.policy.'),
    );
  });

  it.each([
    ['names: { deny: ["*"] }', 'denies every name'],
    ['names: { deny: [a, b], allow: [b] }', 'names.deny.1: is allowed as well'],
    ['names: { allow: [] }', 'would allow nothing'],
    ['exceptions: [{ project: "*", reason: x }]', 'lets everything pass'],
    ['exceptions: [{ project: "a <2", file: a-1.tar.gz, reason: x }]', 'says already which version'],
    ['exceptions: [{ project: a, reason: " " }]', 'must say why'],
    ['conditions: [{ when: sdist-only, do: hide }, { when: sdist-only, do: deny }]', 'is called sdist-only as another'],
    ['projects: { "a <2": {} }', 'must be a name without a range'],
    ['minimum_age: { files: 7d, fixes: sometimes }', 'must be wait or pass'],
    ['missing_upload_time: now', 'must be omit or first-sight'],
    ['minimum_age: soon', 'must be a time such as 7d'],
    ['minimum_age: { since: 2026-02-30 }', 'must be a day'],
    ['a: [', 'line'],
    ['- a list', 'must hold keys and values'],
    ['__proto__: 1', 'has a key called __proto__'],
    ['conditions: [{ when: sdist-only, do: hide, name: "Ä!" }]', 'must be lower-case letters'],
    ['conditions: [{ when: similar-name, to: ["no name!"], do: hide }]', 'must be the name of a project'],
    ['conditions: [{ when: similar-name, to: [], do: hide }]', 'conditions.0.to'],
    ['conditions: [{ when: status, in: [], do: hide }]', 'conditions.0.in'],
    ['conditions: [{ when: licence, do: hide }]', 'conditions.0: needs allow or deny'],
    ['conditions: [{ when: licence, allow: [], do: hide }]', 'conditions.0.allow: is empty'],
    ['conditions: [{ when: licence, deny: [" "], do: hide }]', 'conditions.0.deny.0'],
    ['conditions: [{ when: new-pth, do: hide, unjudged: wait }]', 'conditions.0.unjudged: must be report'],
    ['exceptions: [{ project: a, file: "", reason: x }]', 'exceptions.0.file'],
    ['exceptions: [{ project: a, rule: "", reason: x }]', 'exceptions.0.rule'],
  ])('that contradicts itself is refused: %s', (text, what) => {
    expect(faults('policy_file: policy.yaml\n', `${text}\n`).join('\n')).toContain(what);
  });

  it.each([
    ['names: { deny: ["**"] }', 'names.deny.0: denies every name'],
    ['names: { deny: [fine, "?*"] }', 'names.deny.1: denies every name'],
    ['names: { deny: ["*?"] }', 'names.deny.0: denies every name'],
    ['exceptions: [{ project: "*?*", reason: x }]', 'exceptions.0.project: lets everything pass'],
    ['exceptions: [{ project: "* >=0", reason: x }]', 'exceptions.0.project: lets everything pass'],
    ['projects: { "*": { minimum_age: 0 } }', 'projects.*: matches every project'],
    ['projects: { "?*": { minimum_age: 0 } }', 'projects.?*: matches every project'],
  ])('with a glob that matches all is refused where that would empty the index or the policy: %s', (text, what) => {
    expect(faults('policy_file: policy.yaml\n', `${text}\n`).join('\n')).toContain(what);
  });

  it('with a glob that matches all but short names, or allows all, is no contradiction', () => {
    for (const text of ['names: { deny: ["??*"] }', 'names: { allow: ["*"], deny: [evil] }'])
      expect(faults('policy_file: policy.yaml\n', `${text}\n`)).toEqual([]);
  });

  it('that lets fixes pass, or announces first sights, is refused where nothing could say so', () => {
    const fixes = 'names: { deny: [beta] }\nminimum_age:\n  files: 7d\n  fixes: pass\n';
    const times = 'names: { deny: [beta] }\nmissing_upload_time: first-sight\n';
    const [unsaid, unkept] = ['pass needs advisories', 'has no meaning with reuploads: true'];
    expect(faults('policy_file: policy.yaml\n', fixes)).toEqual([
      expect.stringContaining(`policy.yaml line 4: minimum_age.fixes: ${unsaid}`),
    ]);
    expect(faults('reuploads: true\npolicy_file: policy.yaml\n', times)).toEqual([
      expect.stringContaining(`policy.yaml line 2: missing_upload_time: ${unkept}`),
    ]);
    expect(faults(`policy:\n${indented(fixes, '  ')}`)).toEqual([
      expect.stringContaining(`line 9: indexes.main.policy.minimum_age.fixes: ${unsaid}`),
    ]);
    expect(faults(`reuploads: true\npolicy:\n${indented(times, '  ')}`)).toEqual([
      expect.stringContaining(`line 8: indexes.main.policy.missing_upload_time: ${unkept}`),
    ]);
    expect(policyOf('policy: { missing_upload_time: first-sight }\n')?.missingUploadTime).toBe('first-sight');
  });

  it.each([
    [
      'names to be similar to',
      `conditions: [{ when: similar-name, to: [${'a,'.repeat(10_001)}], do: hide }]`,
      'conditions.0.to',
    ],
    ['conditions', `conditions: [${many(101, (at) => `{ when: sdist-only, do: hide, name: n${at} }`)}]`, 'conditions'],
    ['names that are allowed', `names: { allow: [${'a,'.repeat(10_001)}] }`, 'names.allow'],
    ['names that are denied', `names: { deny: [${'a,'.repeat(10_001)}] }`, 'names.deny'],
    ['exceptions', `exceptions: [${many(10_001, () => '{ project: a, reason: x }')}]`, 'exceptions'],
    ['licences', `conditions: [{ when: licence, deny: [${'a,'.repeat(1001)}], do: hide }]`, 'conditions.0.deny'],
    [
      'letters of a licence',
      `conditions: [{ when: licence, deny: [${'x'.repeat(201)}], do: hide }]`,
      'conditions.0.deny.0',
    ],
    ['letters of a file', `exceptions: [{ project: a, file: ${'x'.repeat(256)}, reason: x }]`, 'exceptions.0.file'],
    ['letters of a rule', `exceptions: [{ project: a, rule: ${'x'.repeat(101)}, reason: x }]`, 'exceptions.0.rule'],
    ['letters of a reason', `exceptions: [{ project: a, reason: ${'x'.repeat(501)} }]`, 'exceptions.0.reason'],
  ])('with too many %s is refused', (_, text, where) => {
    expect(faults('policy_file: policy.yaml\n', `${text}\n`).join('\n')).toContain(where);
  });

  it('cannot be said twice, nor of an index whose files change', () => {
    expect(faults('policy: {}\npolicy_file: policy.yaml\n', '').join()).toContain('has no meaning beside policy');
    expect(faults('minimum_age: 1d\npolicy: { minimum_age: 2d }\n').join()).toContain('is said by policy.minimum_age');
    expect(faults('minimum_age: 1d\nreuploads: true\n').join()).toContain('has no meaning with reuploads');
    expect(faults('reuploads: true\npolicy_file: policy.yaml\n', 'names: {}\nminimum_age: 1d\n')).toEqual([
      expect.stringContaining('policy.yaml line 2: minimum_age: has no meaning with reuploads: true'),
    ]);
  });

  it('whose file is not there stops the start', () => {
    expect(faults('policy_file: policy.yaml\n').join()).toContain('policy.yaml');
  });
});
