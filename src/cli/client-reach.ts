import { authorities, limitsOf, type Reach, reachOf } from '../app/upstream-options.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { IndexConfig } from '../config/config.ts';
import type { UpstreamOptions } from '../upstream/client.ts';

/** How `verbatim client` reaches a repository, as its flags say. */
export interface ReachFlags {
  /** A configuration file, whose index says how upstream is reached: credentials, ca, proxy, private_hosts, timeouts. */
  readonly config?: string | undefined;
  /** Which of its indexes, where it has several. */
  readonly index?: string | undefined;
  readonly ca?: string | undefined;
  readonly proxy?: string | undefined;
  readonly privateHost?: readonly string[] | undefined;
}

/** Flags overrule the file. Plain http is allowed: signatures vouch for all that comes. Throws Refusal, or ConfigRefusal. */
export async function clientReach(
  { config, index, ca, proxy, privateHost = [] }: ReachFlags,
  bases: readonly string[],
): Promise<Reach & Pick<UpstreamOptions, 'limits'>> {
  const given = config === undefined ? undefined : await indexIn(config, index);
  const reach = given && { ...reachOf(given, bases), limits: limitsOf(given) };
  return {
    ...reach,
    insecureUpstream: true,
    privateHosts: [...(given?.privateHosts ?? []), ...privateHost],
    ...(ca !== undefined && { ca: authorities(ca) }),
    ...(proxy !== undefined && { proxy: webAddress(proxy, '--proxy', PROXY_LOGIN) }),
  };
}

const LOGIN = 'in a configuration file, as credentials of the index (--config)';
const PROXY_LOGIN = 'in a configuration file, as proxy: { url, username, password_file } of the index (--config)';

/** A URL that names a directory, with its closing slash. */
export function baseAddress(text: string, option: string): string {
  const address = webAddress(text, option, LOGIN);
  return address.endsWith('/') ? address : `${address}/`;
}

/** Throws `policy` for what is none, or carries a secret to where logs and process lists show it. */
function webAddress(text: string, option: string, login: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw refused(`${option} must be a URL that begins with https:// or http://.`);
  if (url.username !== '' || url.password !== '')
    throw refused(`${option} must not carry a user name or password, which process lists show: they go ${login}.`);
  return text;
}

async function indexIn(file: string, named: string | undefined): Promise<IndexConfig> {
  const { loadConfig } = await import('../config/load.ts');
  const { indexes } = loadConfig({ file });
  const names = Object.keys(indexes);
  const name = named ?? (names.length === 1 ? names[0] : 'main');
  const found = name === undefined ? undefined : indexes[name];
  if (found === undefined)
    throw refused(`${file} has no index ${name}: say which is meant with --index (${names.join(', ')}).`);
  return found;
}

function refused(message: string): Refusal {
  return new Refusal('policy', message, { subject: 'request' });
}
