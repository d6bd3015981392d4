import type { Agent } from 'node:http';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { downloadPlaces } from '../async/shares.ts';
import type { Password } from './credentials.ts';
import type { UpstreamLimits } from './limits.ts';
import { plainHttp, tls, tlsHttp } from './node-http.ts';

/** How an upstream is reached, where it is not simply there. */
export interface Reach {
  /** Certificate authorities besides the usual ones, PEM. */
  readonly ca?: string | undefined;
  /** What this program shows of itself where a server of these hosts asks for a certificate, PEM. */
  readonly client?: { readonly cert: string; readonly key: string; readonly hosts: readonly string[] } | undefined;
  /** An HTTP proxy that everything goes through: an http:// or https:// URL, with user name and password where it wants them. */
  readonly proxy?: string | undefined;
  /** In place of those in its URL, where they may change. */
  readonly proxyLogin?: { readonly username: string; readonly password: Password } | undefined;
}

/** The connections of one upstream. No agent reads HTTP_PROXY and its like: where to go is what the configuration says. */
export interface Connections {
  /** Kept for the next request. */
  of(url: URL): Agent;
  /** For one request alone. */
  fresh(url: URL): Agent;
  /** Before a request: from now on the proxy is asked with the password that holds now. Throws Refusal. */
  prepare(): Promise<void>;
  /** After the proxy refused it: true where there is another password now. Throws Refusal. */
  renew(): Promise<boolean>;
  /** Host and port of the proxy that everything goes through, where there is one. */
  readonly proxy: string | undefined;
  close(): void;
}

export function createConnections(limits: UpstreamLimits, { proxyLogin, ...reach }: Reach): Connections {
  const { proxy } = reach;
  const over = (password: string | undefined) =>
    agentsOver(limits, { ...reach, proxy: proxy && withLogin(proxy, proxyLogin?.username, password) });
  let held: string | undefined;
  let agents = over(undefined);
  const use = (password: string | undefined): boolean => {
    if (password === undefined || password === held) return false;
    // Requests under way end over the old ones, whose idle connections end by themselves.
    held = password;
    agents = over(password);
    return true;
  };
  return {
    of: (url) => agents.of(url),
    fresh: (url) => agents.fresh(url),
    async prepare() {
      if (proxyLogin !== undefined) use(await proxyLogin.password.current());
    },
    renew: async () => held !== undefined && use(await proxyLogin?.password.instead(held)),
    proxy: proxy === undefined ? undefined : new URL(proxy).host,
    close: () => agents.close(),
  };
}

function withLogin(proxy: string, username: string | undefined, password: string | undefined): string {
  if (username === undefined || password === undefined) return proxy;
  const url = new URL(proxy);
  url.username = encodeURIComponent(username);
  url.password = encodeURIComponent(password);
  return url.href;
}

/** The agents of a proxy as it is asked now, or of none. */
function agentsOver(
  limits: UpstreamLimits,
  { ca, client, proxy }: Omit<Reach, 'proxyLogin'>,
): Pick<Connections, 'of' | 'fresh' | 'close'> {
  const proxyEnv = proxy === undefined ? undefined : { HTTP_PROXY: proxy, HTTPS_PROXY: proxy };
  const most = limits.connections + downloadPlaces(limits.connections);
  const kept = {
    keepAlive: true,
    maxSockets: most,
    maxFreeSockets: most,
    timeout: limits.idleSocket,
    ...(proxyEnv && { proxyEnv }),
  };
  const contexts = new Map<boolean, SecureContext>();
  const isShown = ({ host }: URL) => client?.hosts.includes(host) === true;
  // Made once: with `ca` in the options instead, every request would carry all of them in the name of its connection.
  const trust = (shown: boolean) => {
    if (ca === undefined && !shown) return undefined;
    const authorities = ca === undefined ? {} : { ca: [...tls().getCACertificates('default'), ca] };
    const own = shown && client !== undefined ? { cert: client.cert, key: client.key } : {};
    const secureContext = contexts.get(shown) ?? tls().createSecureContext({ ...authorities, ...own });
    contexts.set(shown, secureContext);
    return { secureContext };
  };
  // Bytes that arrive while a kept connection lies idle would answer the next request; node ends such a connection.
  const plain = new (plainHttp().Agent)(kept);
  const secure = new Map<boolean, Agent>();
  return {
    of(url) {
      if (url.protocol !== 'https:') return plain;
      const shown = isShown(url);
      const agent = secure.get(shown) ?? new (tlsHttp().Agent)({ ...kept, ...trust(shown) });
      secure.set(shown, agent);
      return agent;
    },
    fresh(url) {
      const trusted = trust(isShown(url));
      const once = { keepAlive: false, ...(proxyEnv && { proxyEnv }) };
      return url.protocol === 'https:' ? new (tlsHttp().Agent)({ ...once, ...trusted }) : new (plainHttp().Agent)(once);
    },
    close() {
      plain.destroy();
      for (const agent of secure.values()) agent.destroy();
    },
  };
}

/** Calls back when the socket may carry a request: at once for a kept one, else when TCP and TLS are through. */
export function whenConnected(socket: Socket, secure: boolean, connected: () => void): void {
  if (!socket.connecting) connected();
  else socket.once(secure ? 'secureConnect' : 'connect', connected);
}
