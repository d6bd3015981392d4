import type { LayoutName } from '../presets/known-upstreams.ts';
import type { LayoutDescription } from '../presets/layouts.ts';

// What the rest of the program sees of the configuration: complete, frozen, every path absolute, every URL ending in a slash.

/** Where a secret is written. It is read when it is needed, and is not part of the configuration. */
export interface SecretPlace {
  readonly file: string | undefined;
  readonly variable: string | undefined;
}

export interface Credentials {
  readonly username: string;
  readonly password: SecretPlace;
  /** The URLs below which they are sent. */
  readonly scopes: readonly string[];
}

export interface ProxyConfig {
  readonly url: string;
  readonly login: { readonly username: string; readonly password: SecretPlace } | undefined;
}

interface AnyIndexConfig {
  readonly name: string;
  readonly upstream: string;
  readonly fileHosts: readonly string[];
  /** Plain http to another machine; the operator wrote the words for it. */
  readonly insecureUpstream: boolean;
  readonly reuploads: boolean;
  readonly credentials: Credentials | undefined;
  /** Path of further certificate authorities. */
  readonly ca: string | undefined;
  readonly proxy: ProxyConfig | undefined;
  readonly privateHosts: readonly string[];
}

/** An index that signs nothing. */
export interface UnsignedIndexConfig extends AnyIndexConfig {
  readonly evidence: 'index';
  /** Seconds. */
  readonly maxAge: number;
  readonly staleIfError: number;
  readonly contentAddressed: boolean;
  readonly projectList: boolean;
}

export type IndexConfig = SignedIndexConfig | UnsignedIndexConfig;

/** An index signed with TUF. */
export interface SignedIndexConfig extends AnyIndexConfig {
  readonly evidence: 'tuf';
  /** Path of the pinned root. */
  readonly root: string;
  readonly layout: LayoutName | LayoutDescription;
  readonly metadataUrl: string | undefined;
  readonly pagesUrl: string | undefined;
  readonly filesUrl: string | undefined;
  /** Seconds. */
  readonly refresh: number;
}

export interface Config {
  readonly server: {
    readonly host: string;
    readonly port: number;
    readonly publicUrl: string | undefined;
    readonly maxConnections: number;
    /** Addresses and networks that may say for whom they ask. */
    readonly trustedProxies: readonly string[];
    /** Paths. */
    readonly tls: { readonly cert: string; readonly key: string } | undefined;
    readonly auth: { readonly htpasswd: string | undefined; readonly tokens: string | undefined } | undefined;
  };
  /** The data directory. */
  readonly data: string;
  /** It may lie on a FUSE file system: the operator says that no other machine shares it. */
  readonly allowFuse: boolean;
  /** What state that nobody signed is sealed with; absent where it is not. */
  readonly seal?: { readonly key: SecretPlace; readonly epochFile: string | undefined } | undefined;
  readonly cache: { readonly maxBytes: number; readonly memoryBytes: number };
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly format: 'auto' | 'json' | 'text' };
  /** Whole seconds since the epoch; absent for the clock. */
  readonly referenceTime: number | undefined;
  /** By name, on a null prototype: an index may be called `constructor`. */
  readonly indexes: Readonly<Record<string, IndexConfig>>;
}
