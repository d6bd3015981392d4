import { Refusal } from '../bytes/refusal.ts';
import { redactUrl } from './destinations.ts';

/** Where an exchange was when it failed. */
export type Stage = 'before the answer' | 'in the body';

interface Failure {
  /** Of the code and, after a space, the message: OpenSSL says what it means in that. */
  readonly is: RegExp;
  readonly says: (host: string, error: unknown) => string;
  readonly transient: boolean;
}

/** Before there is a connection; with a proxy, to that. */
const DIALLING: readonly Failure[] = [
  {
    is: /^(ENOTFOUND|EAI_\w+|ENODATA|ESERVFAIL) /,
    says: (host) =>
      `Could not find ${host}: the name has no address. It is misspelt, or this machine's name servers do not know it.`,
    transient: true,
  },
  {
    is: /^ECONNREFUSED /,
    says: (host) => `${host} refused the connection: nothing listens at that port, or a firewall forbids it.`,
    transient: true,
  },
  {
    is: /^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL) /,
    says: (host) => `${host} cannot be reached over the network.`,
    transient: true,
  },
];

const CONNECTING: readonly Failure[] = [
  {
    is: /^(EPROTO|ERR_SSL_).*(WRONG_VERSION_NUMBER|wrong version number|HTTP_REQUEST|http request|PACKET_LENGTH_TOO_LONG|packet length too long)/s,
    says: (host) =>
      `${host} does not speak TLS at this port, so nothing was read from it. The address may name the wrong port; an index of plain http is named with http:// (and insecure_upstream, unless it is on this machine).`,
    transient: false,
  },
  {
    is: /^(EPROTO|ERR_SSL_).*(alert protocol version|PROTOCOL_VERSION|unsupported protocol|UNSUPPORTED_PROTOCOL)/s,
    says: (host) =>
      `${host} speaks only versions of TLS that are too old to protect anything (1.2 is needed), so nothing was read from it.`,
    transient: false,
  },
  {
    is: /^(EPROTO|ERR_SSL_).*(CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|certificate required|handshake failure)/s,
    says: (host) =>
      `${host} ended the TLS handshake. Where it asks for a certificate of this mirror, name one with client_cert and client_key.`,
    transient: false,
  },
  {
    is: /^CERT_HAS_EXPIRED /,
    says: (host) =>
      `The TLS certificate of ${host}, or of its authority, has expired, so nothing was read from it. Its operators have to renew it; look at this machine's clock first.`,
    transient: false,
  },
  {
    is: /^CERT_NOT_YET_VALID /,
    says: (host) =>
      `The TLS certificate of ${host} is not valid yet, so nothing was read from it. The clock of this machine may be slow.`,
    transient: false,
  },
  {
    is: /^(ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH) /,
    says: (host) =>
      `The TLS certificate of ${host} is for another name, so nothing was read from it. Write the address (upstream, pages_url, files_url) with the name that the certificate is for.`,
    transient: false,
  },
  {
    is: /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/,
    says: (host) =>
      `The TLS certificate of ${host} is signed by no authority that is known here, so nothing was read from it. Where the authority is your own, name its certificate with \`ca\`.`,
    transient: false,
  },
  {
    is: /^(CERT_|ERR_TLS_|ERR_SSL_|EPROTO|INVALID_|ERROR_IN_|CRL_)/,
    says: (host) => `The TLS certificate or handshake of ${host} is not acceptable, so nothing was read from it.`,
    transient: false,
  },
  {
    is: /^ERR_PROXY_/,
    says: (host, error) => `The proxy did not lead to ${host}${proxyWords(error)}.`,
    transient: true,
  },
  {
    is: /^(ECONNRESET|EPIPE|ECONNABORTED) /,
    says: (host) => `${host} cut the connection before it answered.`,
    transient: true,
  },
];

/** RFC 9112 §6.3. */
const TWO_LENGTHS: ReadonlySet<string> = new Set([
  'HPE_INVALID_TRANSFER_ENCODING',
  'HPE_INVALID_CONTENT_LENGTH',
  'HPE_UNEXPECTED_CONTENT_LENGTH',
]);

/**
 * What an error of node's HTTP client or of a socket means, as a Refusal; one already refused passes through. `proxy` is
 * the host and port of what everything goes through.
 */
export function failed(error: unknown, url: URL, stage: Stage, proxy?: string): Refusal {
  if (error instanceof Refusal) return error;
  const code = codeOf(error);
  const options = { cause: error };
  if (code === 'EPRIVATE')
    return new Refusal(
      'redirect',
      `${url.hostname} leads to a private address; name it in the private hosts if it is yours.`,
      options,
    );
  if (code === 'HPE_HEADER_OVERFLOW')
    return new Refusal('limit', `The headers of ${redactUrl(url)} are too large.`, options);
  if (TWO_LENGTHS.has(code))
    return new Refusal(
      'format',
      `${redactUrl(url)} says its length twice (Content-Length beside Transfer-Encoding, or two of one), which is how answers are smuggled: nobody can tell where it ends.`,
      options,
    );
  if (code.startsWith('HPE_') && code !== 'HPE_INVALID_EOF_STATE')
    return new Refusal(
      'format',
      `The answer of ${redactUrl(url)} is not valid HTTP${isTls(error) ? IN_TLS : ''}.`,
      options,
    );
  if (stage === 'in the body')
    return new Refusal('truncated', `${redactUrl(url)} ended before it was complete.`, options);
  return unreachable(error, code, url, proxy);
}

function unreachable(cause: unknown, code: string, { host, protocol }: URL, proxy: string | undefined): Refusal {
  const text = `${code} ${cause instanceof Error ? cause.message : ''}`;
  const dialling = DIALLING.find(({ is }) => is.test(text));
  if (dialling !== undefined && proxy !== undefined) {
    const why = dialling.says(`the proxy ${proxy}`, cause);
    return new Refusal(
      'unreachable',
      `${why.charAt(0).toUpperCase()}${why.slice(1)} So ${host} was not asked (proxy.url).`,
      { cause, transient: true },
    );
  }
  const known = dialling ?? CONNECTING.find(({ is }) => is.test(text));
  const hint = code === 'ECONNRESET' && protocol === 'http:' ? ' If it speaks TLS at this port, write https://.' : '';
  return new Refusal('unreachable', `${known?.says(host, cause) ?? `${host} cannot be reached.`}${hint}`, {
    cause,
    transient: known?.transient ?? true,
  });
}

const IN_TLS = ': it speaks TLS at this port, so the address begins with https://';

/** A TLS alert (RFC 8446 §5.1: type 21, version 3.x), where an answer over plain HTTP should begin. */
function isTls(error: unknown): boolean {
  const packet = typeof error === 'object' && error !== null && 'rawPacket' in error ? error.rawPacket : undefined;
  return packet instanceof Uint8Array && packet[0] === 21 && packet[1] === 3;
}

function proxyStatus(error: unknown): string | undefined {
  return error instanceof Error ? /HTTP\/1\.[01] (\d{3})/.exec(error.message)?.[1] : undefined;
}

/** What a proxy answered to the question for a tunnel, and what mends it. */
function proxyWords(error: unknown): string {
  const status = proxyStatus(error);
  if (status === undefined) return '';
  if (status === '407')
    return ': it wants a user name and password (proxy.username, with proxy.password_file, password_env or password_command)';
  return `: it answered ${status}${status === '403' ? ', so its operators would have to allow that host' : ''}`;
}

/** True where the proxy wants another user name or password, and so made no tunnel. */
export function isProxyRefusal(error: unknown): boolean {
  return error instanceof Refusal && codeOf(error.cause).startsWith('ERR_PROXY_') && proxyStatus(error.cause) === '407';
}

/** Everything a request may take in all has passed. */
export function overdue(url: string): Refusal {
  return new Refusal('slow', `${redactUrl(url)} took longer than a request may take in all (timeouts: page, file).`, {
    transient: true,
  });
}

export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}
