import { isLoopback } from '../bytes/loopback.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { HostClass } from '../ports/asked-upstream.ts';
import { isPrivateHost } from './addresses.ts';
import { type Authorization, type Credential, CredentialScope } from './credentials.ts';

export interface DestinationOptions {
  /** URLs the operator configured; a user name and password in one become a credential for what is below it. */
  readonly bases: readonly string[];
  /**
   * Further hosts that pages may send us to: `host`, `host:port` (https), an origin with its scheme, `*.domain` (any host below
   * it), or `any-public` (for files alone: what their digests prove).
   */
  readonly fileHosts?: readonly string[] | undefined;
  /** Plain http to other machines. */
  readonly insecureUpstream?: boolean | undefined;
  /** Configured names that may lead to addresses of a private network. */
  readonly privateHosts?: readonly string[] | undefined;
  readonly credentials?: readonly Credential[] | undefined;
}

/** A redirect to a place that may not be asked. */
export class Elsewhere extends Refusal {
  readonly to: URL;
  readonly #what: string;

  constructor(from: URL, to: URL) {
    const what = `${redactUrl(from)} redirects to ${redactUrl(to)}, and ${to.host} is none of the hosts of this index.`;
    super(
      'redirect',
      `${what} Where it is right, add it to the file hosts (--file-host ${to.host}); where it means that this index has no such project, set absent.redirect_elsewhere or --kind.`,
    );
    this.to = to;
    this.#what = what;
  }

  /** The same refusal in the words of whoever knows better why. */
  because(why: string): Refusal {
    return new Refusal('redirect', `${this.#what} ${why}`, { cause: this });
  }
}

/** Every host below a domain. */
interface Domain {
  readonly protocol: string;
  /** Begins with a dot. */
  readonly suffix: string;
  readonly port: string;
}

const ANY_PUBLIC = 'any-public';

/**
 * Where an upstream client may go: scheme, host and port, each one configured. Nothing that is fetched adds to it.
 * Construction throws Refusal `policy` where the configuration itself asks for plain http to another machine.
 */
export class Destinations {
  readonly #origins = new Set<string>();
  readonly #bases: ReadonlySet<string>;
  readonly #domains: Domain[] = [];
  readonly #anyPublic: boolean;
  readonly #privateHosts: Set<string>;
  readonly #scopes: CredentialScope[];
  readonly #insecure: boolean;

  constructor({
    bases,
    fileHosts = [],
    insecureUpstream = false,
    privateHosts = [],
    credentials = [],
  }: DestinationOptions) {
    this.#insecure = insecureUpstream;
    this.#bases = new Set(bases.map((base) => new URL(base).origin));
    this.#anyPublic = fileHosts.includes(ANY_PUBLIC);
    this.#privateHosts = new Set(privateHosts.map((host) => host.toLowerCase()));
    this.#scopes = credentials.map((given) => new CredentialScope(given));
    for (const base of bases) {
      const url = new URL(base);
      this.#allow(url);
      if (url.username !== '')
        this.#scopes.push(
          new CredentialScope({
            url: base,
            username: decodeURIComponent(url.username),
            password: decodeURIComponent(url.password),
          }),
        );
    }
    for (const host of fileHosts) if (host !== ANY_PUBLIC) this.#allowFileHost(host);
  }

  /** The URL to fetch, or Refusal `redirect`. */
  check(raw: string, unproved = false): URL {
    const url = parse(raw);
    if (url === undefined || !this.#isAllowed(url, !unproved))
      throw new Refusal(
        'redirect',
        `The index sends us to ${redactUrl(raw)}, which is not one of its configured hosts. Add the host to the file hosts if it is right.`,
      );
    return url;
  }

  /**
   * Where a redirect leads, or Refusal `redirect`: `Elsewhere` where it may not be asked. `file`: of what a digest will prove;
   * a page never comes from just any host.
   */
  follow(from: URL, location: string | undefined, file: boolean): URL {
    const to = location === undefined ? null : URL.parse(location, from.href);
    if (to === null) throw new Refusal('redirect', `${redactUrl(from)} redirects to nowhere.`);
    if (from.protocol === 'https:' && to.protocol !== 'https:')
      throw new Refusal(
        'redirect',
        `${redactUrl(from)} redirects from https to ${redactUrl(to)}; that is never followed.`,
      );
    const url = parse(to.href);
    if (url === undefined || !this.#isAllowed(url, file)) throw new Elsewhere(from, to);
    return url;
  }

  mayFetch(raw: string, unproved = false): boolean {
    const url = parse(raw);
    return url !== undefined && this.#isAllowed(url, !unproved);
  }

  /** Of a host that may be asked. */
  classOf(url: URL): HostClass {
    if (this.#bases.has(url.origin)) return 'index';
    return this.#isNamed(url) ? 'files' : 'public';
  }

  mayBePrivate(hostname: string): boolean {
    const host = hostname.toLowerCase();
    // As for a host that is named: over TLS the certificate tells who answers.
    const certified = ({ protocol, suffix }: Domain) => protocol === 'https:' && host.endsWith(suffix);
    return this.#privateHosts.has(host) || (!this.#insecure && this.#domains.some(certified));
  }

  #isAllowed(url: URL, file: boolean): boolean {
    if (this.#isNamed(url)) return true;
    return file && this.#anyPublic && url.protocol === 'https:' && !isPrivateHost(url.hostname);
  }

  #isNamed({ origin, protocol, hostname, port }: URL): boolean {
    if (this.#origins.has(origin)) return true;
    return this.#domains.some(
      (each) => each.protocol === protocol && each.port === port && hostname.endsWith(each.suffix),
    );
  }

  /** Who asks for it; undefined where that is not told. Throws Refusal where it cannot be. */
  async authorization(url: URL): Promise<Authorization | undefined> {
    return this.#scopes.find((scope) => scope.covers(url))?.authorization();
  }

  #allow(url: URL): void {
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      throw new Refusal('policy', `An upstream must be reached by https or http, not ${url.protocol}`);
    if (url.protocol === 'http:' && !this.#insecure && !isLoopback(url.hostname))
      throw new Refusal(
        'policy',
        `The upstream ${redactUrl(url)} uses plain http, which anybody on the way can read and change. Use https, or allow it with insecureUpstream.`,
      );
    this.#origins.add(url.origin);
    // Over TLS the certificate tells who answers, wherever the name leads; an organization's index lies on its own network.
    const certified = url.protocol === 'https:' && !this.#insecure;
    if (certified || isPrivateHost(url.hostname)) this.#privateHosts.add(url.hostname);
  }

  #allowFileHost(host: string): void {
    if (/^(?:https?:\/\/)?\*\./.test(host)) this.#allowDomain(host);
    else this.#allowHost(host);
  }

  /** By https, and by http where that was asked for and is allowed at all. */
  #allowDomain(host: string): void {
    const [, scheme, domain = ''] = /^(?:(https?):\/\/)?\*(\..*)$/.exec(host) ?? [];
    const { hostname, port } = new URL(`https://any${domain}`);
    const suffix = hostname.slice('any'.length);
    if (scheme !== 'http') this.#domains.push({ protocol: 'https:', suffix, port });
    if (scheme === 'http' && !this.#insecure)
      throw new Refusal(
        'policy',
        `The file hosts ${host} use plain http, which anybody on the way can read and change.`,
      );
    if (this.#insecure && scheme !== 'https') this.#domains.push({ protocol: 'http:', suffix, port });
  }

  #allowHost(host: string): void {
    if (host.includes('://')) this.#allow(new URL(host));
    else {
      this.#allow(new URL(`https://${host}`));
      const plain = new URL(`http://${host}`);
      if (this.#insecure || isLoopback(plain.hostname)) this.#allow(plain);
    }
  }
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
