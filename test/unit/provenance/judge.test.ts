import { beforeAll, describe, expect, it } from 'vitest';
import { type Grounds, judgeProvenance } from '../../../src/provenance/judge.ts';
import {
  type Claims,
  GITHUB_CLAIMS,
  GITHUB_PUBLISHER,
  provenanceOf,
  startSigstore,
  type TestSigstore,
} from '../../support/sigstore.ts';
import { data, GITLAB_PROJECT, groundsOf, MILL, OF_GITHUB, outcome, PYPI_ATTESTATIONS, production } from './sources.ts';

describe('attestations that PyPI serves', () => {
  let grounds: Grounds;
  beforeAll(async () => {
    grounds = await production();
  });
  const attestation = async (name: string) => JSON.parse((await data(`${name}.attestation`)).toString()) as unknown;

  it('are verified, and say who published', async () => {
    const bytes = await data('pypi_attestations-0.0.19.tar.gz.provenance');
    expect(judgeProvenance(bytes, PYPI_ATTESTATIONS, grounds)).toEqual({
      result: 'verified',
      unchecked: [],
      publishers: [
        {
          kind: 'GitHub',
          name: 'trailofbits/pypi-attestations',
          id: 'https://github.com repository 772247423',
          workflow: 'release.yml',
          environment: undefined,
        },
      ],
    });
  });

  it.each(['publish', 'slsa'])('are verified, %s', async (kind) => {
    const bytes = provenanceOf(OF_GITHUB, await attestation(`pypi_attestations-0.0.19.tar.gz.${kind}`));
    expect(outcome(judgeProvenance(bytes, PYPI_ATTESTATIONS, grounds))).toBe('verified trailofbits/pypi-attestations');
  });

  it('are verified from GitLab', async () => {
    const publisher = {
      kind: 'GitLab',
      repository: 'facutuesca/gitlab-oidc-project',
      workflow_filepath: '.gitlab-ci.yml',
    };
    const bytes = provenanceOf(publisher, await attestation('gitlab_oidc_project-0.0.3.tar.gz.publish'));
    expect(outcome(judgeProvenance(bytes, GITLAB_PROJECT, grounds))).toBe('verified facutuesca/gitlab-oidc-project');
    expect(outcome(judgeProvenance(bytes, { ...GITLAB_PROJECT, sha256: '00'.repeat(32) }, grounds))).toBe(
      'refused: it is about other bytes: its sha256 is not that of the file',
    );
  });

  it.each(['publish.', ''])(
    'cannot be checked by a root that does not know their log (%sattestation)',
    async (kind) => {
      const file = {
        project: 'rfc8785',
        filename: 'rfc8785-0.1.2-py3-none-any.whl',
        sha256: 'c4e92e9ecc828bef2aa7dba1de8ac983511f7532a0df11c770d39099a25cf201',
      };
      const bytes = provenanceOf(OF_GITHUB, await attestation(`${file.filename}${kind === '' ? '' : '.publish'}`));
      expect(outcome(judgeProvenance(bytes, file, grounds))).toBe(
        'unchecked: its transparency log is none that the trusted root knows',
      );
    },
  );
});

describe.each([1, 2] as const)('attestations in generation %i of the transparency log', (rekor) => {
  let sigstore: TestSigstore;
  let grounds: Grounds;
  beforeAll(async () => {
    sigstore = await startSigstore();
    grounds = groundsOf(sigstore);
  });

  const judged = async (
    publisher: unknown,
    { claims = GITHUB_CLAIMS, ...wanted }: { claims?: Claims; subject?: string; statement?: unknown } = {},
    by = grounds,
  ) =>
    outcome(
      judgeProvenance(provenanceOf(publisher, await sigstore.attest(MILL, { rekor, claims, ...wanted })), MILL, by),
    );

  it('are verified', async () => {
    expect(await judged(GITHUB_PUBLISHER)).toBe('verified octo/mill');
  });

  const GITLAB_CLAIMS: Claims = {
    8: 'https://gitlab.corp.test',
    12: 'https://gitlab.corp.test/group/mill',
    13: 'b'.repeat(40),
    14: 'refs/heads/main',
    15: '9',
    18: 'https://gitlab.corp.test/group/mill//.gitlab-ci.yml@refs/heads/main',
  };
  const OF_GITLAB = { kind: 'GitLab', repository: 'group/mill', workflow_filepath: '.gitlab-ci.yml' };

  it("are verified from a GitLab of one's own where its issuer is named, and cannot be judged else", async () => {
    const own = groundsOf(sigstore, ['https://gitlab.corp.test']);
    expect(await judged(OF_GITLAB, { claims: GITLAB_CLAIMS }, own)).toBe('verified group/mill');
    expect(await judged(OF_GITLAB, { claims: GITLAB_CLAIMS })).toBe(
      'unchecked: such publishers cannot be judged here (https://gitlab.corp.test)',
    );
  });

  it('are verified from Google by the account that signed in', async () => {
    const claims = { 8: 'https://accounts.google.com' };
    const google = { kind: 'Google', email: 'https://example.test/robot' };
    expect(await judged(google, { claims, subject: google.email })).toBe('verified https://example.test/robot');
    expect(await judged(google, { claims, subject: 'https://example.test/other' })).toContain('refused');
    expect(await judged(google, { claims: { 8: 'https://accounts.example' }, subject: google.email })).toContain(
      'refused',
    );
  });

  it('are verified from CircleCI by project, pipeline, origin and ref', async () => {
    const signer = 'https://circleci.com/api/v2/projects/p1/pipeline-definitions/d1';
    const claims = { 8: 'https://oidc.circleci.com', 9: signer, 12: 'github.com/octo/mill', 14: 'refs/heads/main' };
    const circle = { kind: 'CircleCI', project_id: 'p1', pipeline_definition_id: 'd1' };
    expect(await judged(circle, { claims })).toBe('verified p1');
    expect(
      await judged({ ...circle, vcs_origin: 'github.com/octo/mill', vcs_ref: 'refs/heads/main' }, { claims }),
    ).toBe('verified github.com/octo/mill');
    for (const wrong of [
      { ...circle, project_id: 'p2' },
      { ...circle, pipeline_definition_id: 'd2' },
      { ...circle, vcs_origin: 'github.com/octo/other' },
      { ...circle, vcs_ref: 'refs/heads/other' },
    ])
      expect(await judged(wrong, { claims })).toContain('refused: the certificate is not that of the publisher');
    expect(await judged(circle, { claims: { ...claims, 8: 'https://oidc.example' } })).toContain('refused');
  });

  it.each([
    ['another repository', { ...GITHUB_PUBLISHER, repository: 'octo/other' }],
    ['another workflow', { ...GITHUB_PUBLISHER, workflow: 'other.yml' }],
    ['no repository', { kind: 'GitHub', workflow: 'release.yml' }],
    ['no workflow', { kind: 'GitHub', repository: 'octo/mill' }],
    ['a repository that is a path', { ...GITHUB_PUBLISHER, repository: 'octo/mill/../../x y' }],
    ['GitLab', { kind: 'GitLab', repository: 'octo/mill', workflow_filepath: 'release.yml' }],
    ['Google', { kind: 'Google', email: 'a@example.test' }],
  ])('are refused where the index names %s', async (what, publisher) => {
    expect(await judged(publisher)).toBe(
      what === 'GitLab'
        ? 'unchecked: such publishers cannot be judged here (https://token.actions.githubusercontent.com)'
        : 'refused: the certificate is not that of the publisher whom the index names',
    );
  });

  it.each([
    ['signed in elsewhere', { 8: 'https://evil.test' }],
    ['of another repository', { 12: 'https://github.com/evil/mill' }],
    ['whose workflow ran at a ref it does not name', { 14: 'refs/tags/v2' }],
    ['of a fork of the workflow', { 18: 'https://github.com/evil/mill/.github/workflows/release.yml@refs/tags/v1' }],
  ])('are refused with a certificate %s', async (_, changed) => {
    const claims = { ...GITHUB_CLAIMS, ...changed };
    expect(await judged(GITHUB_PUBLISHER, { claims })).toContain(
      'refused: the certificate is not that of the publisher',
    );
  });

  it('are refused where the certificate does not say where its owner signed in', async () => {
    const { 8: _, ...claims } = GITHUB_CLAIMS;
    expect(await judged(GITHUB_PUBLISHER, { claims })).toBe('refused: its certificate does not say who signed');
  });

  it.each([{ kind: 'ActiveState' }, { kind: 'Jenkins' }, {}, { kind: 7 }])(
    'cannot be judged of a publisher like %j',
    async (publisher) => {
      expect(await judged(publisher)).toContain('unchecked: such publishers cannot be judged here');
    },
  );

  const subject = { name: MILL.filename, digest: { sha256: MILL.sha256 } };
  const usual = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [subject],
    predicateType: 'https://docs.pypi.org/attestations/publish/v1',
    predicate: null,
  };

  it.each([
    [
      'another file',
      [{ ...subject, name: 'mill-1.1-py3-none-any.whl' }],
      'it is about another file, mill-1.1-py3-none-any.whl',
    ],
    [
      'an sdist in place of a wheel',
      [{ ...subject, name: 'mill-1.0.tar.gz' }],
      'it is about another file, mill-1.0.tar.gz',
    ],
    [
      'other tags',
      [{ ...subject, name: 'mill-1.0-py2-none-any.whl' }],
      'it is about another file, mill-1.0-py2-none-any.whl',
    ],
    [
      'a build',
      [{ ...subject, name: 'mill-1.0-1-py3-none-any.whl' }],
      'it is about another file, mill-1.0-1-py3-none-any.whl',
    ],
    [
      'other bytes',
      [{ ...subject, digest: { sha256: 'cd'.repeat(32) } }],
      'it is about other bytes: its sha256 is not that of the file',
    ],
    [
      'no sha256',
      [{ ...subject, digest: { sha512: 'x' } }],
      'it is about other bytes: its sha256 is not that of the file',
    ],
    ['two files', [subject, subject], 'it is about 2 files, not one'],
    ['no file', [], 'it is about 0 files, not one'],
  ])('are refused where they are about %s', async (_, files, why) => {
    expect(await judged(GITHUB_PUBLISHER, { statement: { ...usual, subject: files } })).toBe(`refused: ${why}`);
  });

  it('are about the same file in another spelling of its name (PEP 503, PEP 440)', async () => {
    for (const name of ['Mill-1.0.0-py3-none-any.whl', 'mill-1.0-py3-none-any.whl'])
      expect(await judged(GITHUB_PUBLISHER, { statement: { ...usual, subject: [{ ...subject, name }] } })).toBe(
        'verified octo/mill',
      );
  });

  it('say something that is not known here, or nothing of in-toto', async () => {
    expect(await judged(GITHUB_PUBLISHER, { statement: { ...usual, predicateType: 'https://example.test/x' } })).toBe(
      'unchecked: what it says is not known here (https://example.test/x)',
    );
    expect(
      await judged(GITHUB_PUBLISHER, { statement: { ...usual, _type: 'https://in-toto.io/Statement/v0.1' } }),
    ).toBe('refused: its statement is none of in-toto, version 1');
    expect(await judged(GITHUB_PUBLISHER, { statement: [] })).toContain('refused');
  });

  it('are worth nothing together where one of them is wrong, and what one is worth where another cannot be judged', async () => {
    const [one, two] = [
      await sigstore.attest(MILL, { rekor }),
      await sigstore.attest({ ...MILL, sha256: 'ef'.repeat(32) }, { rekor }),
    ];
    expect(outcome(judgeProvenance(provenanceOf(GITHUB_PUBLISHER, one, two), MILL, grounds))).toContain('refused');
    const unknown = await sigstore.attest(MILL, { rekor, statement: { ...usual, predicateType: 'x' } });
    expect(outcome(judgeProvenance(provenanceOf(GITHUB_PUBLISHER, one, unknown), MILL, grounds))).toBe(
      'verified octo/mill what it says is not known here (x)',
    );
  });

  it('cannot be checked by the root of another Sigstore', async () => {
    const other = groundsOf(await startSigstore());
    expect(await judged(GITHUB_PUBLISHER, {}, other)).toBe(
      'unchecked: its transparency log is none that the trusted root knows',
    );
  });

  it.each([
    ['certificateAuthorities', 'its certificate was issued by nobody whom the trusted root knows'],
    ['ctlogs', 'its certificate is in a log that the trusted root does not know'],
    ['timestampAuthorities', 'its time is signed by nobody whom the trusted root knows'],
  ])('cannot be checked where the root has none of their %s', async (part, why) => {
    const other = await startSigstore();
    const parts = part === 'timestampAuthorities' ? [] : other.trustedRoot[part];
    const mixed = { ...sigstore, trustedRoot: { ...sigstore.trustedRoot, [part]: parts } };
    const isUsed = part !== 'timestampAuthorities' || rekor === 2;
    expect(await judged(GITHUB_PUBLISHER, {}, groundsOf(mixed))).toBe(
      isUsed ? `unchecked: ${why}` : 'verified octo/mill',
    );
  });
});
