import { resolve } from 'node:path';
import type { SecretPlace } from './config.ts';
import type { ParsedFile } from './schema.ts';

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

export interface RedisLoginConfig {
  readonly username: string | undefined;
  /** Undefined where none is asked for. */
  readonly password: SecretPlace | undefined;
}

/** Where replicas share what saves work. */
export interface RedisConfig {
  readonly place:
    | { readonly mode: 'standalone'; readonly node: RedisAddress; readonly database: number }
    | {
        readonly mode: 'sentinel';
        readonly sentinels: readonly RedisAddress[];
        readonly master: string;
        readonly database: number;
        readonly login: RedisLoginConfig;
      }
    | { readonly mode: 'cluster'; readonly nodes: readonly RedisAddress[] };
  readonly login: RedisLoginConfig;
  /** `ca`: a path. */
  readonly tls: { readonly ca: string | undefined; readonly serverName: string | undefined } | undefined;
  readonly prefix: string;
  /** Bytes. */
  readonly maxValue: number;
}

type Given = NonNullable<ParsedFile['redis']>;

export function toRedis(given: Given): RedisConfig {
  const isTls = given.tls !== undefined || given.url?.startsWith('rediss:') === true;
  const ca = given.tls?.ca;
  return {
    place: toPlace(given),
    login: toLogin(given),
    tls: isTls ? { ca: ca === undefined ? undefined : resolve(ca), serverName: given.tls?.server_name } : undefined,
    prefix: given.prefix,
    maxValue: given.max_value,
  };
}

const PORT = 6379;

function toPlace({ url, sentinel, cluster, database = 0 }: Given): RedisConfig['place'] {
  if (cluster !== undefined) return { mode: 'cluster', nodes: cluster.map(toAddress) };
  if (sentinel !== undefined) {
    const { nodes, master } = sentinel;
    return { mode: 'sentinel', sentinels: nodes.map(toAddress), master, database, login: toLogin(sentinel) };
  }
  const { hostname, port, pathname } = new URL(url ?? '');
  const node = { host: bare(hostname), port: port === '' ? PORT : Number(port) };
  return { mode: 'standalone', node, database: Number(pathname.slice(1)) };
}

function toAddress(text: string): RedisAddress {
  const at = text.lastIndexOf(':');
  return { host: bare(text.slice(0, at)), port: Number(text.slice(at + 1)) };
}

/** An IPv6 address without its brackets. */
function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

interface GivenLogin {
  readonly username?: string | undefined;
  readonly password_file?: string | undefined;
  readonly password_env?: string | undefined;
}

function toLogin({ username, password_file: file, password_env: variable }: GivenLogin): RedisLoginConfig {
  const isAsked = file !== undefined || variable !== undefined;
  return { username, password: isAsked ? { file: file && resolve(file), variable } : undefined };
}
