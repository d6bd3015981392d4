import type { PolicySettings } from '../policy/settings.ts';
import type { IndexKindName, LayoutName } from '../presets/known-upstreams.ts';
import type { LayoutDescription } from '../presets/layouts.ts';
import type { AdvisoriesConfig } from './advisories/schema.ts';
import type { AddressConfig } from './combined/schema.ts';
import type { RedisConfig } from './redis.ts';
import type { SyncConfig } from './sync.ts';

// What the rest of the program sees of the configuration: complete, frozen, every path absolute, every URL ending in a slash.

/** Where a secret is written. It is read when it is needed, and is not part of the configuration. */
export interface SecretPlace {
  readonly file: string | undefined;
  readonly variable: string | undefined;
}

/** A command that writes a secret, and how long that holds. */
export interface SecretCommand {
  readonly command: readonly string[];
  /** Seconds. */
  readonly lifetime: number;
}

export interface Credentials {
  readonly username: string;
  readonly password: SecretPlace | SecretCommand;
  /** The URLs below which they are sent. */
  readonly scopes: readonly string[];
}

export interface ProxyConfig {
  readonly url: string;
  readonly login: { readonly username: string; readonly password: SecretPlace | SecretCommand } | undefined;
}

/** How long an upstream is waited for. Seconds. */
export interface Timeouts {
  readonly connect: number;
  readonly firstByte: number;
  readonly fileFirstByte: number;
  readonly silence: number;
  readonly fileSilence: number;
  /** Bytes a second, on average over `slowestOver`. */
  readonly slowest: number;
  readonly slowestOver: number;
  readonly page: number;
  readonly file: number;
  /** That upstream may ask not to be asked again, at most; of a page that nothing stands in for. */
  readonly retryAfter: number;
  readonly retryAfterUnheld: number;
  /** That a request waits for it to be over. */
  readonly retryAfterWait: number;
  /** That a client is asked to wait, at most. */
  readonly retryAfterSent: number;
}

/** How much is looked at before a client asks for it. */
export interface LookAhead {
  /** Steps of requirements. */
  readonly depth: number;
  /** A minute, of what no client asks for afterwards; bytes too. */
  readonly requests: number;
  readonly bytes: number;
  /** Bytes of the largest file. */
  readonly largestWheel: number;
}

/** A key whose signatures on bundles are believed. */
export interface ImportKey {
  readonly name: string;
  /** 32 bytes in hex, or the path of a file that has them. */
  readonly public: { readonly hex: string } | { readonly file: string };
  /** It is believed before this moment only. */
  readonly until: number | undefined;
}

/** How an index arrives that bundles bring. */
export interface ImportConfig {
  readonly keys: readonly ImportKey[];
  /** Days. */
  readonly maxAge: number;
  /** Imports whose files are spared from eviction. */
  readonly generations: number;
  readonly scan:
    | {
        readonly command: readonly string[];
        /** Seconds a file. */
        readonly timeout: number;
        readonly version: readonly string[] | undefined;
      }
    | undefined;
}

export type ProvenanceMode = 'off' | 'report' | 'require-when-present' | 'require';

/** How much it decides who published a file (PEP 740), and by what that is judged. */
export interface ProvenanceConfig {
  readonly mode: ProvenanceMode;
  /** By normalized name. */
  readonly projects: Readonly<Record<string, ProvenanceMode>>;
  readonly publishers: Readonly<
    Record<
      string,
      readonly {
        readonly id: string;
        readonly workflow?: string | undefined;
        readonly environment?: string | undefined;
      }[]
    >
  >;
  readonly gitlab: readonly string[];
  /** Path. */
  readonly trustedRoot: string | undefined;
  /** Name of an index. */
  readonly rootFrom: string | undefined;
  /** False: bundles do not say whom files are expected from. */
  readonly export?: boolean | undefined;
}

interface AnyIndexConfig {
  readonly name: string;
  readonly upstream: string;
  readonly fileHosts: readonly string[];
  /** Plain http to another machine; the operator wrote the words for it. */
  readonly insecureUpstream: boolean;
  readonly reuploads: boolean;
  /** The index is told what clients call their requests; not where nothing is said. */
  readonly trace?: boolean | undefined;
  /** What becomes of files that upstream removed; `refuse` where nothing is said. */
  readonly removed?: 'refuse' | 'serve' | undefined;
  /** Of the cache; undefined for an equal part of what the others leave. */
  readonly maxBytes: number | undefined;
  /** How upstream says that it does not have something, besides 404 and 410. */
  readonly absent: {
    readonly statuses: readonly number[];
    readonly redirectElsewhere: boolean;
    /** A project that upstream is known to have. */
    readonly known?: string | undefined;
  };
  readonly credentials: Credentials | undefined;
  /** Path of further certificate authorities. */
  readonly ca: string | undefined;
  /** Paths of the certificate that this program shows, and of its key. */
  readonly client: { readonly cert: string; readonly key: string } | undefined;
  readonly proxy: ProxyConfig | undefined;
  readonly privateHosts: readonly string[];
  readonly timeouts: Timeouts;
  /** What is looked at before a client asks for it; undefined for nothing. */
  readonly lookAhead: LookAhead | undefined;
  /** What may be served of it besides being proved; undefined for everything. */
  readonly policy?: PolicySettings | undefined;
  /** Where that is read again from, and the age in seconds that is said beside it. */
  readonly policyFile?: { readonly path: string; readonly minimumAge: number | undefined } | undefined;
  /** Where bundles bring it: nobody is asked for anything of it. */
  readonly import?: ImportConfig | undefined;
}

/** An index that signs nothing. */
export interface UnsignedIndexConfig extends AnyIndexConfig {
  readonly evidence: 'index';
  /** What kind of server it is, where that is known. */
  readonly kind: IndexKindName | undefined;
  /** Seconds. */
  readonly maxAge: number;
  /** Infinity: for ever. */
  readonly staleIfError: number;
  readonly contentAddressed: boolean;
  /** What becomes of files whose page states no usable digest. */
  readonly undigested: 'first-sight' | 'withhold';
  /** Bytes up to which a first sight takes a second whole fetch. */
  readonly secondFetchUpTo: number;
  readonly projectList: boolean;
  /** Undefined where nobody looks at who published its files. */
  readonly provenance?: ProvenanceConfig | undefined;
}

export type IndexConfig = SignedIndexConfig | UnsignedIndexConfig;

/** An index signed with TUF. */
export interface SignedIndexConfig extends AnyIndexConfig {
  readonly evidence: 'tuf';
  /** Path of the pinned root; undefined for that of Sigstore, which comes with this program. */
  readonly root: string | undefined;
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
    /** Of files in pages: below `publicUrl`, or relative, as they are where nothing is said. */
    readonly links?: 'relative' | 'absolute' | undefined;
    readonly maxConnections: number;
    /** Processes that answer on the one port; `auto` for as many as there are cores. One where nothing is said. */
    readonly workers?: number | 'auto' | undefined;
    /** Seconds. */
    readonly grace: number;
    /** Seconds that it serves on, not ready, once it is told to stop; none where nothing is said. */
    readonly drain?: number | undefined;
    /** Addresses and networks that may say for whom they ask. */
    readonly trustedProxies: readonly string[];
    /** Paths. */
    readonly tls:
      | {
          readonly cert: string;
          readonly key: string;
          /** Node's own where nothing is said, as is the version. */
          readonly ciphers?: string | undefined;
          readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
          /** Days before its end from which the certificate is warned of. */
          readonly warnDays: number;
        }
      | undefined;
    readonly auth:
      | {
          readonly htpasswd: string | undefined;
          readonly tokens: string | undefined;
          /** The record of who was sent what has the names of users and tokens. */
          readonly recordNames: boolean;
        }
      | undefined;
  };
  /** The data directory. */
  /** Pages for people: users who see who was sent which file; nobody where nothing is said. */
  readonly pages?: { readonly auditors: readonly string[] } | undefined;
  readonly data: string;
  /** It may lie on a FUSE file system: the operator says that no other machine shares it. */
  readonly allowFuse: boolean;
  /** No upstream is asked for anything. */
  readonly offline: boolean;
  /** Files on pages of an offline mirror: all, with a mark on those that are not held, or no others than those that are. */
  readonly offlinePages?: 'all' | 'held' | undefined;
  /** What state that nobody signed is sealed with; absent where it is not. */
  readonly seal?: { readonly key: SecretPlace; readonly epochFile: string | undefined } | undefined;
  /** The replicas that this mirror is one of; absent where it is alone. */
  readonly fleet?:
    | {
        /** Where they share what they believe. */
        readonly state?: string | undefined;
        /** Origins that files may be had from. */
        readonly peers?: readonly string[] | undefined;
      }
    | undefined;
  /** An address or URL that upstream's operators find in our requests. */
  readonly contact?: string | undefined;
  /** Bytes. */
  readonly cache: {
    readonly maxBytes: number;
    readonly memoryBytes: number;
    readonly stateBytes?: number | undefined;
    readonly projectBytes?: number | undefined;
    readonly journalBytes?: number | undefined;
    readonly accessBytes?: number | undefined;
    /** Days that who was sent what is remembered; undefined for as long as there is room. */
    readonly accessDays?: number | undefined;
    readonly accessAddresses?: 'whole' | 'truncated' | undefined;
    readonly warnFreeBytes?: number | undefined;
    /** In which everything on disk is read again; 0 or undefined for never. */
    readonly scrubDays?: number | undefined;
    readonly scrubBytesPerSecond?: number | undefined;
  };
  /** Shared with other replicas; absent where nothing is. */
  readonly redis?: RedisConfig | undefined;
  /** What is known to be bad; absent where nothing is looked at. */
  readonly advisories?: AdvisoriesConfig | undefined;
  /** What is fetched before anybody asks. */
  readonly sync?: SyncConfig | undefined;
  /** A bucket that files are kept in; absent where the disk alone holds them. */
  readonly blobs?:
    | {
        /** `s3://BUCKET/PREFIX?endpoint=…&region=…`. */
        readonly store: string;
        readonly maxBytes: number;
        /** Bytes from which on a file's clients are sent to the bucket; undefined where none are. */
        readonly redirectFrom?: number | undefined;
        /** Path, in the form of `~/.aws/credentials`. */
        readonly credentialsFile: string | undefined;
        readonly profile: string | undefined;
      }
    | undefined;
  /** Of what callers wait for. */
  readonly limits: { readonly fills: number; readonly upstreamConnections: number };
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly format: 'auto' | 'json' | 'text' };
  /** Whole seconds since the epoch; absent for the clock. */
  readonly referenceTime: number | undefined;
  /** By name, on a null prototype: an index may be called `constructor`. */
  readonly indexes: Readonly<Record<string, IndexConfig>>;
  /** Addresses over several of them, by name, on a null prototype; none where nothing is said. */
  readonly addresses?: Readonly<Record<string, AddressConfig>> | undefined;
}
