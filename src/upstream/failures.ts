import { Refusal } from '../bytes/refusal.ts';
import { redactUrl } from './destinations.ts';

/** Where an exchange was when it failed. */
export type Stage = 'before the answer' | 'in the body';

interface Failure {
  readonly codes: RegExp;
  readonly says: (host: string, error: unknown) => string;
  readonly transient: boolean;
}

const CONNECTING: readonly Failure[] = [
  {
    codes: /^(ENOTFOUND|EAI_\w+|ENODATA|ESERVFAIL)$/,
    says: (host) => `Could not find the host ${host} (its name has no address).`,
    transient: true,
  },
  { codes: /^ECONNREFUSED$/, says: (host) => `${host} refused the connection.`, transient: true },
  {
    codes: /^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL)$/,
    says: (host) => `${host} cannot be reached over the network.`,
    transient: true,
  },
  {
    codes: /^ERR_SSL_.*(CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE)$/,
    says: (host) =>
      `${host} ended the TLS handshake. Where it asks for a certificate of this mirror, name one with client_cert and client_key.`,
    transient: false,
  },
  {
    codes: /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/,
    says: (host) =>
      `The TLS certificate of ${host} is signed by no authority that is known here, so nothing was read from it. Where the authority is your own, name its certificate with \`ca\`.`,
    transient: false,
  },
  {
    codes: /^(CERT_|ERR_TLS_|ERR_SSL_|EPROTO|HOSTNAME_MISMATCH|INVALID_|ERROR_IN_|CRL_)/,
    says: (host) => `The TLS certificate or handshake of ${host} is not acceptable, so nothing was read from it.`,
    transient: false,
  },
  {
    codes: /^ERR_PROXY_/,
    says: (host, error) => `The proxy did not lead to ${host}${proxyWords(error)}.`,
    transient: true,
  },
  {
    codes: /^(ECONNRESET|EPIPE|ECONNABORTED)$/,
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

/** What an error of node's HTTP client or of a socket means, as a Refusal; one already refused passes through. */
export function failed(error: unknown, url: URL, stage: Stage): Refusal {
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
    return new Refusal('format', `The answer of ${redactUrl(url)} is not valid HTTP.`, options);
  if (stage === 'in the body')
    return new Refusal('truncated', `${redactUrl(url)} ended before it was complete.`, options);
  const known = CONNECTING.find(({ codes }) => codes.test(code));
  return new Refusal('unreachable', known?.says(url.host, error) ?? `${url.host} cannot be reached.`, {
    ...options,
    transient: known?.transient ?? true,
  });
}

/** What a proxy answered to the question for a tunnel, and what mends it. */
function proxyWords(error: unknown): string {
  const status = error instanceof Error ? /HTTP\/1\.[01] (\d{3})/.exec(error.message)?.[1] : undefined;
  if (status === undefined) return '';
  if (status === '407') return ': it wants a user name and password (proxy.username, proxy.password_file)';
  return `: it answered ${status}${status === '403' ? ', so its operators would have to allow that host' : ''}`;
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
