import { z } from 'zod';
import { password } from './access.ts';
import { filePath, host, size } from './values.ts';

const ADDRESS = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$/;

const address = z.string().max(300).regex(ADDRESS, 'must be HOST:PORT, such as redis-1.example:6379');

const login = {
  username: z.string().min(1).max(256).optional().describe('The ACL user; the default one where none is given.'),
  ...password,
};

interface GivenPassword {
  readonly password_file?: string | undefined;
  readonly password_env?: string | undefined;
}

const isOnce = ({ password_file, password_env }: GivenPassword) =>
  password_file === undefined || password_env === undefined;
const ONCE = 'give password_file or password_env, one of them';

const url = z.string().superRefine((text, context) => {
  const fault = urlFault(text);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
});

function urlFault(text: string): string | undefined {
  if (!URL.canParse(text)) return 'must be a URL such as redis://redis.example:6379/0';
  const { protocol, username, password, pathname, search, hash, hostname } = new URL(text);
  if (protocol !== 'redis:' && protocol !== 'rediss:') return 'must begin with redis:// or, for TLS, rediss://';
  if (hostname === '') return 'must name a host';
  if (username !== '' || password !== '')
    return 'must not carry a user name or password: they go into redis.username and redis.password_file or redis.password_env';
  if (search !== '' || hash !== '') return 'must not have a query or a fragment';
  if (!/^\/?$|^\/[0-9]{1,3}$/.test(pathname)) return 'may end in the number of a database, and nothing else';
  return undefined;
}

/** What replicas share to save work. */
export const redis = z
  .strictObject({
    url: url.optional().describe('Where one Redis is: redis://HOST:PORT/DATABASE, or rediss:// for TLS.'),
    sentinel: z
      .strictObject({
        nodes: z.array(address).min(1).max(32).describe('The Sentinels, each HOST:PORT.'),
        master: z.string().min(1).max(200).describe('The name by which they know the master.'),
        ...login,
      })
      .refine(isOnce, ONCE)
      .optional()
      .describe('Sentinels that know where Redis is, instead of url.'),
    cluster: z.array(address).min(1).max(64).optional().describe('Nodes of a Redis Cluster, instead of url.'),
    database: z.int().min(0).max(999).optional().describe('With sentinel: the number of a database.'),
    ...login,
    tls: z
      .strictObject({
        ca: filePath.optional().describe('Further authorities, PEM.'),
        server_name: host.optional().describe('The name its certificate is held to, where it is not the host.'),
      })
      .optional()
      .describe('Speak TLS; of url, rediss:// says it.'),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9_.-]{1,64}$/, 'must be at most 64 letters, digits, points, hyphens and underscores')
      .default('verbatim')
      .describe('Begins every key and channel.'),
    max_value: size.prefault('16 MiB').describe('Bytes of one value; what is larger is not kept there.'),
  })
  .refine(
    ({ url, sentinel, cluster }) => [url, sentinel, cluster].filter((place) => place !== undefined).length === 1,
    'needs url, sentinel or cluster, one of them',
  )
  .refine(isOnce, ONCE)
  .refine(({ database, sentinel }) => database === undefined || sentinel !== undefined, {
    path: ['database'],
    message: 'is for sentinel; of url it is the path, and a cluster has one database',
  })
  .refine(({ tls, url }) => tls === undefined || url === undefined || url.startsWith('rediss:'), {
    path: ['tls'],
    message: 'needs a url that begins with rediss://',
  });
