// What is told of an error of Redis. Its own text is not: replies and the client's errors may hold what was sent.

/** The first word of an error reply; closed, since a server may say anything. */
const REPLIES: Readonly<Record<string, string>> = {
  WRONGPASS: 'it refuses the user name and password (redis.username, redis.password_file, redis.password_env)',
  NOAUTH: 'it wants a password (redis.password_file, redis.password_env)',
  NOPERM: 'its user may not do what this needs (docs/operating.md, "More than one")',
  READONLY: 'it is a replica, and takes no writes',
  LOADING: 'it is loading its data',
  MASTERDOWN: 'it has lost its master',
  CLUSTERDOWN: 'its cluster is down',
  MOVED: 'it is a node of a cluster (redis.cluster)',
  OOM: 'it is full (maxmemory)',
  MISCONF: 'it cannot save its data, and takes no writes',
  NOREPLICAS: 'it has too few replicas to take writes',
  DENIED: 'it runs in protected mode',
  WRONGTYPE: 'a key holds a value of another type',
};

const SYSTEM: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it cut the connection',
  EPIPE: 'it cut the connection',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name could not be looked up',
  EHOSTUNREACH: 'there is no way there',
  ENETUNREACH: 'there is no way there',
  ETIMEDOUT: 'no connection came about in time (TLS is spoken on both sides, or on neither: redis.tls)',
};

const SILENT = 'it does not answer in time';
const UNTRUSTED = 'its certificate is not believed (redis.tls)';
const NO_TLS = 'it does not speak TLS as asked (redis.url, redis.tls)';

/** An error that the server answered with. */
export function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}

/** The command was not sent at all. */
export function isUnsent(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("Stream isn't writeable");
}

/** The first word of an error reply. */
export function replyCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !isReply(error)) return undefined;
  const [code = ''] = error.message.split(' ', 1);
  return Object.hasOwn(REPLIES, code) ? code : undefined;
}

/** Why Redis cannot be used, in words of our own. */
export function troubleOf(error: unknown): string {
  const code = replyCode(error);
  if (code !== undefined) return REPLIES[code] ?? '';
  if (isReply(error)) return 'it answers with an error';
  if (!(error instanceof Error)) return 'the connection failed';
  // Of a cluster, what the last of its nodes said.
  if ('lastNodeError' in error && error.lastNodeError instanceof Error) return troubleOf(error.lastNodeError);
  const name = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const known = Object.hasOwn(SYSTEM, name) ? SYSTEM[name] : undefined;
  if (known !== undefined) return known;
  if (/^(ERR_SSL|EPROTO)/.test(name)) return NO_TLS;
  if (/CERT|SIGNED|ISSUER|ALTNAME/.test(name)) return UNTRUSTED;
  if (/^Socket timeout|^connect ETIMEDOUT/.test(error.message)) return SILENT;
  if (/^All sentinels/.test(error.message)) return 'no Sentinel names a master (redis.sentinel)';
  return 'the connection failed';
}
