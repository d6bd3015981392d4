import type { JsonObject } from '../tuf/json/json-value.ts';
import type { Identity } from './identity.ts';

/** Who published a file, as the certificate of the signature says. */
export interface Publisher {
  readonly kind: string;
  /** For people: it may be given to somebody else one day. */
  readonly name: string;
  /** What is remembered: ids where the issuer gives any. */
  readonly id: string;
  readonly workflow: string | undefined;
  /** The index's word; no certificate says it. */
  readonly environment: string | undefined;
}

/** `claim`: what the index says; each is compared with the certificate. `other`: nothing is known of such publishers. */
export type Match = Publisher | 'other' | 'mismatch';

export interface Issuers {
  /** GitLab instances of one's own, as their issuer's URL, beside gitlab.com. */
  readonly gitlab: readonly string[];
}

type Judge = (claim: Claim, identity: Identity, issuers: Issuers) => Match;
type Claim = (name: string) => string | undefined;

const GITHUB = 'https://github.com';
const SLUG = /^[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+)+$/;

const JUDGES: ReadonlyMap<string, Judge> = new Map<string, Judge>([
  ['GitHub', github],
  ['GitLab', gitlab],
  ['Google', google],
  ['CircleCI', circleci],
]);

/** Whether a certificate is that of the publisher whom the index names. */
export function matchPublisher(claimed: JsonObject, identity: Identity, issuers: Issuers): Match {
  const claim: Claim = (name) => {
    const value = claimed.get(name);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  return JUDGES.get(claim('kind') ?? '')?.(claim, identity, issuers) ?? 'other';
}

function github(claim: Claim, identity: Identity): Match {
  if (identity.issuer !== 'https://token.actions.githubusercontent.com') return 'mismatch';
  const workflow = claim('workflow');
  return ofRepository('GitHub', GITHUB, `/.github/workflows/${workflow}`, { claim, workflow, identity });
}

function gitlab(claim: Claim, identity: Identity, issuers: Issuers): Match {
  const { issuer } = identity;
  // Somebody else's instance may say of anybody what it likes.
  if (issuer !== 'https://gitlab.com' && !issuers.gitlab.includes(issuer))
    return issuer.startsWith('https://') ? 'other' : 'mismatch';
  const workflow = claim('workflow_filepath');
  return ofRepository('GitLab', issuer, `//${workflow}`, { claim, workflow, identity });
}

interface Sides {
  readonly claim: Claim;
  readonly workflow: string | undefined;
  readonly identity: Identity;
}

/** The repository, and which of its workflows ran; at which commit or ref is the publisher's own affair. */
function ofRepository(kind: string, host: string, path: string, { claim, workflow, identity }: Sides): Match {
  const slug = claim('repository');
  if (slug === undefined || workflow === undefined || !SLUG.test(slug)) return 'mismatch';
  const { repository, repositoryId, buildConfig, digest, ref } = identity;
  const url = `${host}/${slug}`;
  if (repository !== url) return 'mismatch';
  const ran = [digest, ref].filter((at) => at !== undefined).map((at) => `${url}${path}@${at}`);
  if (buildConfig === undefined || !ran.includes(buildConfig)) return 'mismatch';
  const id = repositoryId === undefined ? url : `${host} repository ${repositoryId}`;
  return { kind, name: slug, id, workflow, environment: claim('environment') };
}

function google(claim: Claim, { issuer, subject }: Identity): Match {
  const email = claim('email');
  if (issuer !== 'https://accounts.google.com' || email === undefined || subject !== email) return 'mismatch';
  return { kind: 'Google', name: email, id: `google account ${email}`, workflow: undefined, environment: undefined };
}

function circleci(claim: Claim, { issuer, buildSigner, repository, ref }: Identity): Match {
  const [project, pipeline] = [claim('project_id'), claim('pipeline_definition_id')];
  const [origin, at] = [claim('vcs_origin'), claim('vcs_ref')];
  if (issuer !== 'https://oidc.circleci.com' || project === undefined || pipeline === undefined) return 'mismatch';
  const signer = `https://circleci.com/api/v2/projects/${project}/pipeline-definitions/${pipeline}`;
  if (buildSigner !== signer) return 'mismatch';
  if ((origin !== undefined && origin !== repository) || (at !== undefined && at !== ref)) return 'mismatch';
  const name = origin ?? project;
  return { kind: 'CircleCI', name, id: signer, workflow: pipeline, environment: undefined };
}
