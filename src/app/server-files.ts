import { Refusal } from '../bytes/refusal.ts';
import type { Config } from '../config/config.ts';
import type { Access } from '../http/access/access.ts';
import { type AccessList, readTokens, readUsers } from '../http/access/access-list.ts';
import type { ServedIndex } from '../http/mount.ts';
import type { Certificate } from '../http/server.ts';
import type { PackageIndex } from '../mirror/package-index.ts';
import type { BucketReport } from './bucket/bucket.ts';
import { readGiven } from './given-file.ts';

/** The certificate the configuration names, as it lies there now, and how TLS is spoken with it; undefined where it names none. Throws Refusal. */
export function certificateOf({ tls }: Config['server']): Certificate | undefined {
  if (tls === undefined) return undefined;
  const { ciphers, minVersion } = tls;
  return {
    cert: readGiven(tls.cert, 'the certificate'),
    key: readGiven(tls.key, 'its key'),
    // An option that is there and says nothing is not the default to node.
    ...(ciphers !== undefined && { ciphers }),
    ...(minVersion !== undefined && { minVersion }),
  };
}

/** Who may read, where the configuration asks that; undefined where everybody may. Throws Refusal. */
export function accessListOf({ auth }: Config['server']): AccessList | undefined {
  if (auth === undefined) return undefined;
  const { htpasswd, tokens } = auth;
  const list: AccessList = {
    users: htpasswd === undefined ? new Map() : readUsers(readGiven(htpasswd, 'the users').toString(), htpasswd),
    tokens: tokens === undefined ? [] : readTokens(readGiven(tokens, 'the tokens').toString(), tokens),
  };
  if (list.users.size === 0 && list.tokens.length === 0)
    throw new Refusal('state', `Nobody may read: ${htpasswd ?? tokens} names nobody.`, { subject: 'state' });
  return list;
}

/** What clients call this mirror. A mirror that listens on every address has no name of its own but the one it is given. */
export function addressOf({ publicUrl, host }: Config['server'], url: string): string | undefined {
  if (publicUrl !== undefined) return publicUrl;
  return /^(?:0(?:\.0){0,3}|\[?(?:[0:]+|::ffff:0\.0\.0\.0)\]?)$/i.test(host) ? undefined : url;
}

/** What links to files begin with, where they are to be whole: the index that also lies at the root is linked there. */
export function linkBase(
  { server, ...names }: Pick<Config, 'server' | 'indexes' | 'addresses'>,
  index: string,
): string | undefined {
  const { links, publicUrl } = server;
  if (links !== 'absolute' || publicUrl === undefined) return undefined;
  return index === defaultIndexOf(names) ? publicUrl : `${publicUrl}${index}/`;
}

const MAIN = 'main';

/** True where another index may answer for what this one does not have. */
export function standsBefore({ addresses = {} }: Pick<Config, 'addresses'>, index: string): boolean {
  return Object.values(addresses).some(({ of }) => of.includes(index) && of.at(-1) !== index);
}

/** The name of the index, or of the address over several, that also lies at the root. */
export function defaultIndexOf({ indexes, addresses = {} }: Pick<Config, 'indexes' | 'addresses'>): string {
  const names = [...Object.keys(addresses), ...Object.keys(indexes)];
  return names.includes(MAIN) ? MAIN : (names[0] ?? MAIN);
}

interface Serving {
  readonly config: Config;
  /** Undefined where everybody may read. */
  readonly access: Access | undefined;
  readonly bucket: Pick<BucketReport, 'elsewhere'> | undefined;
}

/** An index, and who may do what with its answers. */
export function servedIndex(index: PackageIndex, { config, access, bucket }: Serving): ServedIndex {
  const { credentials, timeouts } = config.indexes[index.name] ?? {};
  const isOpen = access === undefined && credentials === undefined;
  return {
    index,
    // Where a web page could read with credentials that are not its own, no web page reads.
    cors: isOpen,
    shared: access === undefined,
    longestRetryAfter: timeouts?.retryAfterSent,
    // Whoever has a signed address needs no credentials any more.
    elsewhere: isOpen ? bucket?.elsewhere : undefined,
  };
}
