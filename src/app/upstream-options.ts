import { Refusal } from '../bytes/refusal.ts';
import type {
  Credentials,
  IndexConfig,
  ProxyConfig,
  SecretPlace,
  SignedIndexConfig,
  Timeouts,
  UnsignedIndexConfig,
} from '../config/config.ts';
import { secretVariable } from '../config/environment.ts';
import type { IndexState } from '../ports/index-state.ts';
import { type Layout, layoutBases } from '../presets/layouts.ts';
import type { SimpleIndex } from '../presets/simple-index.ts';
import { metadataUrl } from '../presets/targets.ts';
import type { UpstreamOptions } from '../upstream/client.ts';
import { type Credential, fixedPassword, type Password } from '../upstream/credentials.ts';
import { LIMITS, type Pace, type UpstreamLimits } from '../upstream/limits.ts';
import { readGiven } from './given-file.ts';
import { commandPassword, filePassword, noPassword } from './passwords.ts';

/** Where an index that signs nothing is, how it says no, and how it is reached. Throws Refusal `state` or `format`. */
export function unsignedReach(
  index: UnsignedIndexConfig,
  { simple, others, api, flat }: SimpleIndex,
  state: IndexState,
) {
  const places = [simple, ...others];
  const bases = [...places, ...(api === undefined ? [] : [api])];
  const known = async () => (flat?.only === true ? [simple] : knownPages(places, index.absent.known, state));
  const { statuses, redirectElsewhere } = index.absent;
  return { bases, absent: { statuses, redirectElsewhere, within: bases, known }, ...reachOf(index, bases) };
}

/** The same of a signed one: what there is its signatures say, and a 403 without a reason takes nothing away. */
export function signedReach(index: SignedIndexConfig, layout: Layout) {
  const known = async () => [metadataUrl(layout, 'timestamp', undefined)];
  const bases = [index.upstream, ...layoutBases(layout)];
  const { statuses, redirectElsewhere } = index.absent;
  return { bases, absent: { statuses, redirectElsewhere, bareForbidden: true, known }, ...reachOf(index, bases) };
}

/** Projects of which something is asked to see whether an index still answers. */
const MOST_SEEN = 2;

/** Projects whose pages were seen before. */
export async function seenProjects(state: IndexState): Promise<readonly string[]> {
  const projects: string[] = [];
  for await (const project of state.projects('pages')) {
    projects.push(project);
    if (projects.length === MOST_SEEN) break;
  }
  return projects;
}

/** What should be there upstream: pages that were seen before, and the list of all. */
async function knownPages(
  places: readonly string[],
  named: string | undefined,
  state: IndexState,
): Promise<readonly string[]> {
  const projects = [...(named === undefined ? [] : [named]), ...(await seenProjects(state))];
  return places.flatMap((place) => [...projects.map((project) => `${place}${project}/`), place]);
}

export type Reach = Pick<
  UpstreamOptions,
  'fileHosts' | 'insecureUpstream' | 'credentials' | 'ca' | 'client' | 'proxy' | 'proxyLogin' | 'privateHosts'
>;

/** As whom, through what, known by whose word. `bases`: where a certificate of our own is shown. */
export function reachOf(index: IndexConfig, bases: readonly string[]): Reach {
  const { fileHosts, insecureUpstream, credentials, ca, client, proxy, privateHosts } = index;
  return {
    fileHosts,
    insecureUpstream,
    privateHosts,
    credentials: credentials === undefined ? undefined : sentTo(credentials),
    ca: ca === undefined ? undefined : authorities(ca),
    client: client && {
      cert: certificateIn(client.cert, 'the client certificate'),
      key: readGiven(client.key, 'its key').toString(),
      hosts: bases.map((base) => new URL(base).host),
    },
    proxy: proxy?.url,
    proxyLogin: proxy?.login && loginOf(proxy.login),
  };
}

/** How long an index's upstream is waited for. */
export function limitsOf({ timeouts }: Pick<IndexConfig, 'timeouts'>): UpstreamLimits {
  return {
    ...LIMITS,
    connectTimeout: timeouts.connect * SECOND,
    documents: paceOf(timeouts, timeouts.firstByte, timeouts.silence, timeouts.page),
    downloads: paceOf(timeouts, timeouts.fileFirstByte, timeouts.fileSilence, timeouts.file),
    minimumRate: timeouts.slowest,
    longestRetryAfter: timeouts.retryAfter * SECOND,
    longestUnheld: timeouts.retryAfterUnheld * SECOND,
    longestWait: timeouts.retryAfterWait * SECOND,
  };
}

const SECOND = 1000;

function paceOf({ slowestOver }: Timeouts, firstByte: number, silence: number, all: number): Pace {
  return {
    headersTimeout: firstByte * SECOND,
    idleTimeout: silence * SECOND,
    rateWindow: slowestOver * SECOND,
    deadline: all * SECOND,
  };
}

function sentTo({ scopes, username, password }: Credentials): readonly Credential[] {
  const secret = passwordOf(password, 'credentials.password_command');
  return scopes.map((url) => ({ url, username, password: secret }));
}

function passwordOf(given: Credentials['password'], setting: string): Password {
  if ('command' in given) return commandPassword({ ...given, setting });
  return given.file === undefined ? fixedPassword(secretOf(given)) : filePassword(given.file);
}

function loginOf({ username, password }: NonNullable<ProxyConfig['login']>): Reach['proxyLogin'] {
  return { username, password: passwordOf(password, 'proxy.password_command') };
}

function secretOf({ variable = '' }: SecretPlace): string {
  const secret = secretVariable(variable);
  if (secret === undefined || secret === '') throw noPassword(`the variable ${variable}`);
  return secret;
}

export function authorities(file: string): string {
  return certificateIn(file, 'the file of certificate authorities');
}

function certificateIn(file: string, what: string): string {
  const pem = readGiven(file, what).toString();
  if (!pem.includes('-----BEGIN CERTIFICATE-----'))
    throw new Refusal('format', `${file} holds no certificate in PEM form.`, { subject: 'state' });
  return pem;
}
