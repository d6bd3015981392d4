import { isLoopback } from '../bytes/loopback.ts';
import { Refusal } from '../bytes/refusal.ts';
import { isPrivateHost } from './addresses.ts';

/** A user name and password for everything at or below one URL. */
export interface Credential {
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

export interface AllowedOptions {
  /** URLs the operator configured; a user name and password in one become a credential for what is below it. */
  readonly bases: readonly string[];
  /** Further hosts that pages may send us to: `host`, `host:port` (https), or an origin with its scheme. */
  readonly fileHosts?: readonly string[] | undefined;
  /** Plain http to other machines. */
  readonly insecureUpstream?: boolean | undefined;
  /** Configured names that may lead to addresses of a private network. */
  readonly privateHosts?: readonly string[] | undefined;
  readonly credentials?: readonly Credential[] | undefined;
}

/** Where an upstream client may go: scheme, host and port, each one configured. */
export interface Allowed {
  /** The URL to fetch, or Refusal `redirect`. */
  check(url: string): URL;
  /** Where a redirect leads, or Refusal `redirect`. */
  follow(from: URL, location: string | undefined): URL;
  mayFetch(url: string): boolean;
  mayBePrivate(hostname: string): boolean;
  authorization(url: URL): string | undefined;
}

interface Scope {
  readonly origin: string;
  readonly path: string;
  readonly header: string;
}

/** Throws Refusal `policy` where the configuration itself asks for plain http to another machine. */
export function createAllowed(options: AllowedOptions): Allowed {
  const origins = new Set<string>();
  const privateHosts = new Set((options.privateHosts ?? []).map((host) => host.toLowerCase()));
  const scopes: Scope[] = (options.credentials ?? []).map((given) =>
    scope(new URL(given.url), given.username, given.password),
  );

  const allow = (url: URL) => {
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      throw new Refusal('policy', `An upstream must be reached by https or http, not ${url.protocol}`);
    if (url.protocol === 'http:' && !options.insecureUpstream && !isLoopback(url.hostname))
      throw new Refusal(
        'policy',
        `The upstream ${redactUrl(url)} uses plain http, which anybody on the way can read and change. Use https, or allow it with insecureUpstream.`,
      );
    origins.add(url.origin);
    // Over TLS the certificate tells who answers, wherever the name leads; an organization's index lies on its own network.
    const certified = url.protocol === 'https:' && !options.insecureUpstream;
    if (certified || isPrivateHost(url.hostname)) privateHosts.add(url.hostname);
  };
  for (const base of options.bases) {
    const url = new URL(base);
    allow(url);
    if (url.username !== '')
      scopes.push(scope(url, decodeURIComponent(url.username), decodeURIComponent(url.password)));
  }
  for (const host of options.fileHosts ?? []) {
    if (host.includes('://')) allow(new URL(host));
    else {
      allow(new URL(`https://${host}`));
      const plain = new URL(`http://${host}`);
      if (options.insecureUpstream || isLoopback(plain.hostname)) allow(plain);
    }
  }

  const check = (raw: string): URL => {
    const url = parse(raw);
    if (url === undefined || !origins.has(url.origin))
      throw new Refusal(
        'redirect',
        `The index sends us to ${redactUrl(raw)}, which is not one of its configured hosts. Add the host to the file hosts if it is right.`,
      );
    return url;
  };
  return {
    check,
    follow(from, location) {
      let to: URL | undefined;
      try {
        to = location === undefined ? undefined : new URL(location, from);
      } catch {
        to = undefined;
      }
      if (to === undefined) throw new Refusal('redirect', `${redactUrl(from)} redirects to nowhere.`);
      if (from.protocol === 'https:' && to.protocol !== 'https:')
        throw new Refusal(
          'redirect',
          `${redactUrl(from)} redirects from https to ${redactUrl(to)}; that is never followed.`,
        );
      return check(to.href);
    },
    mayFetch(raw) {
      const url = parse(raw);
      return url !== undefined && origins.has(url.origin);
    },
    mayBePrivate: (hostname) => privateHosts.has(hostname.toLowerCase()),
    authorization: (url) =>
      scopes.find(({ origin, path }) => origin === url.origin && covers(path, url.pathname))?.header,
  };
}

/** A URL fit for a log line or a message: no user name, password, query or fragment. */
export function redactUrl(url: string | URL): string {
  try {
    const { origin, protocol, host, pathname } = new URL(url);
    return `${origin === 'null' ? `${protocol}//${host}` : origin}${pathname}`;
  } catch {
    return '(not a URL)';
  }
}

/** The URL, if its authority is spelled as it is understood: no user name, no number games, no look-alikes, no odd bytes. */
function parse(raw: string): URL | undefined {
  if (/[\x00-\x20\x7f\\]/.test(raw)) return undefined;
  const authority = /^https?:\/\/([^/?#]*)/i.exec(raw)?.[1]?.toLowerCase();
  if (authority === undefined || !URL.canParse(raw)) return undefined;
  const url = new URL(raw);
  const port = url.protocol === 'https:' ? ':443' : ':80';
  if (authority !== url.host && authority !== url.host + port) return undefined;
  url.hash = '';
  return url;
}

function scope(url: URL, username: string, password: string): Scope {
  return {
    origin: url.origin,
    path: url.pathname,
    header: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
  };
}

function covers(scopePath: string, path: string): boolean {
  return path === scopePath || path.startsWith(scopePath.endsWith('/') ? scopePath : `${scopePath}/`);
}
