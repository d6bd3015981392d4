import { readFile } from 'node:fs/promises';
import type { Grounds, Judgement } from '../../../src/provenance/judge.ts';
import { readTrustedRoot } from '../../../src/provenance/trusted-root.ts';
import type { TestSigstore } from '../../support/sigstore.ts';

// Attestations as PyPI serves them, and what Sigstore was when they were made.

export const data = (name: string) => readFile(new URL(`data/${name}`, import.meta.url));

export const PYPI_ATTESTATIONS = {
  project: 'pypi-attestations',
  filename: 'pypi_attestations-0.0.19.tar.gz',
  sha256: '9bb1add04b1b4e182be6b0b80931593f7a291eb49d69b4fd728a5d4cbcdc4bd3',
};
export const OF_GITHUB = { kind: 'GitHub', repository: 'trailofbits/pypi-attestations', workflow: 'release.yml' };

export const GITLAB_PROJECT = {
  project: 'gitlab-oidc-project',
  filename: 'gitlab_oidc_project-0.0.3.tar.gz',
  sha256: 'c1ca9b0d85df1606451098233018534497bf584362e10e4a8c21dfaea92c02a8',
};

export const MILL = { project: 'mill', filename: 'mill-1.0-py3-none-any.whl', sha256: 'ab'.repeat(32) };

export async function production(): Promise<Grounds> {
  return { root: readTrustedRoot(await data('trusted_root.json')), issuers: { gitlab: [] } };
}

export function groundsOf({ trustedRoot }: TestSigstore, gitlab: readonly string[] = []): Grounds {
  return { root: readTrustedRoot(Buffer.from(JSON.stringify(trustedRoot))), issuers: { gitlab } };
}

/** What it came to, and why, in one line. */
export function outcome(judged: Judgement): string {
  if (judged.result !== 'verified') return `${judged.result}: ${judged.why}`;
  return ['verified', ...judged.publishers.map(({ name }) => name), ...judged.unchecked].join(' ');
}
