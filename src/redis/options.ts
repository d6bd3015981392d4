/** A node of Redis, Sentinel or a cluster. */
export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

/** As whom a server is spoken to. */
export interface RedisLogin {
  readonly username?: string | undefined;
  /** Read at each connection: a new one may have been written meanwhile. */
  password(): string | undefined;
}

export interface RedisTls {
  /** PEM of further authorities; node's own where there is none. */
  readonly ca?: Uint8Array | undefined;
  /** The name that the certificate is held to; the host's where none is given. */
  readonly serverName?: string | undefined;
}

/** Where Redis is. */
export type RedisPlace =
  | { readonly mode: 'standalone'; readonly node: RedisNode; readonly database: number }
  | {
      readonly mode: 'sentinel';
      readonly sentinels: readonly RedisNode[];
      readonly master: string;
      readonly database: number;
      readonly login: RedisLogin;
    }
  | { readonly mode: 'cluster'; readonly nodes: readonly RedisNode[] };

export interface RedisOptions {
  readonly place: RedisPlace;
  readonly login: RedisLogin;
  readonly tls?: RedisTls | undefined;
}
