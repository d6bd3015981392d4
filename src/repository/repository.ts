import type { Algorithm } from '../bytes/digest.ts';
import { type Bins, createBins, prefixesOf } from './bins.ts';
import { digestHex } from './digests.ts';
import {
  type Authority,
  type DelegatedRole,
  type Delegations,
  type Document,
  type Extra,
  encodeRole,
  isoTime,
  type Meta,
  type MetaDocument,
  type RootDocument,
  roleOf,
  sign,
  type TargetsDocument,
} from './documents.ts';
import type { Style } from './json-writer.ts';
import type { PublicKey, SigningKey } from './signing-keys.ts';

export const TOP_LEVEL = ['root', 'timestamp', 'snapshot', 'targets'] as const;
export type TopLevel = (typeof TOP_LEVEL)[number];

const YEAR = 365 * 86_400;

export interface RepositoryOptions {
  readonly authorities: Readonly<Record<TopLevel, Authority>>;
  /** Whole seconds; documents written now expire `lifetime(role)` seconds later. */
  readonly now: () => number;
  readonly lifetime?: (role: string) => number;
  /** Default true (TUF §6.2). */
  readonly consistent?: boolean;
  /** What timestamp and snapshot say of a file beside its version; none by default (as RSTUF and Sigstore do). */
  readonly metaHashes?: readonly Algorithm[];
  readonly targetHashes?: readonly Algorithm[];
  /** Under which names a target is laid out; by default as `consistent` says. */
  readonly targetNames?: 'prefixed' | 'plain' | 'both';
  readonly style?: Style;
}

export interface Delegation {
  readonly name: string;
  readonly authority: Authority;
  readonly paths?: readonly string[];
  readonly pathHashPrefixes?: readonly string[];
  readonly terminating?: boolean;
}

/** Last changes to documents, after version and expiry were set and before they are signed. */
export interface Edits {
  readonly root?: (document: RootDocument) => void;
  readonly timestamp?: (document: MetaDocument) => void;
  readonly snapshot?: (document: MetaDocument) => void;
  /** The top-level targets role and delegated ones, by name. */
  readonly roles?: Readonly<Record<string, (document: TargetsDocument) => void>>;
}

/** A TUF repository: documents one may change, and the files that were published of them. */
export interface Repository {
  readonly root: RootDocument;
  readonly timestamp: MetaDocument;
  readonly snapshot: MetaDocument;
  /** The top-level targets role and every delegated one. */
  readonly roles: ReadonlyMap<string, TargetsDocument>;
  /** The keys that will sign a role next; replace to sign wrongly. */
  readonly signers: Map<string, readonly SigningKey[]>;
  /** Everything published, old versions too: `metadata/1.root.json`, `targets/dir/HASH.name`. */
  readonly files: Map<string, Uint8Array>;
  readonly role: (name: string) => TargetsDocument;
  readonly addTarget: (role: string, path: string, bytes: Uint8Array, custom?: Extra) => void;
  readonly removeTarget: (role: string, path: string) => void;
  readonly delegate: (from: string, delegation: Delegation) => TargetsDocument;
  /** PEP 458's bins, by `path_hash_prefixes`. */
  readonly delegateBins: (from: string, prefix: string, bits: number, authority: Authority) => Bins;
  /** TAP 15's bins, by `succinct_roles`. */
  readonly delegateSuccinct: (from: string, prefix: string, bits: number, authority: Authority) => Bins;
  /** New keys for a top-level role; the next publish writes a root for it, signed by old and new root keys. */
  readonly rotate: (role: TopLevel, authority: Authority) => void;
  /** Marks a targets role as changed, so that the next publish writes a new version of it. */
  readonly touch: (role: string) => void;
  /** A new root, whether or not anything changed. */
  readonly publishRoot: (edits?: Edits) => void;
  /** Root if changed, changed targets roles, snapshot, timestamp: each one version up, signed and laid out. */
  readonly publish: (edits?: Edits) => void;
  /** Signs a document as it stands and lays it out under its own name, touching nothing else. */
  readonly write: (role: string) => Uint8Array;
}

export function createRepository(options: RepositoryOptions): Repository {
  const { consistent = true, style = {}, now, lifetime = () => YEAR } = options;
  const authorities = new Map<TopLevel, Authority>(TOP_LEVEL.map((role) => [role, options.authorities[role]]));
  const fresh = (role: string) => ({ spec_version: '1.0.34', version: 1, expires: isoTime(now() + lifetime(role)) });
  const emptyTargets = (role: string): TargetsDocument => ({ _type: 'targets', ...fresh(role), targets: new Map() });

  const root: RootDocument = {
    _type: 'root',
    ...fresh('root'),
    consistent_snapshot: consistent,
    keys: new Map(),
    roles: new Map(),
  };
  const timestamp: MetaDocument = { _type: 'timestamp', ...fresh('timestamp'), meta: new Map() };
  const snapshot: MetaDocument = { _type: 'snapshot', ...fresh('snapshot'), meta: new Map() };
  const roles = new Map<string, TargetsDocument>([['targets', emptyTargets('targets')]]);
  const signers = new Map<string, readonly SigningKey[]>();
  const files = new Map<string, Uint8Array>();
  const written = new Set<string>();
  const changed = new Set<string>(['targets']);
  let rootChanged = true;

  function listAuthorities(): void {
    const keys = [...authorities.values()].flatMap((authority) => authority.keys);
    root.keys = new Map(keys.map((key) => [key.keyid, key.public]));
    root.roles = new Map([...authorities].map(([role, authority]) => [role, roleOf(authority)]));
  }
  listAuthorities();
  for (const [role, authority] of authorities) signers.set(role, authority.keys);

  function role(name: string): TargetsDocument {
    const document = roles.get(name);
    if (document === undefined) throw new Error(`no such role here: ${name}`);
    return document;
  }

  function documentOf(name: string): Document {
    if (name === 'root') return root;
    if (name === 'timestamp') return timestamp;
    return name === 'snapshot' ? snapshot : role(name);
  }

  function fileName(name: string): string {
    const versioned = name === 'root' || (consistent && name !== 'timestamp');
    return `metadata/${versioned ? `${documentOf(name).version}.` : ''}${encodeRole(name)}.json`;
  }

  function write(name: string, signed?: Uint8Array): Uint8Array {
    const bytes = signed ?? sign(documentOf(name), signers.get(name) ?? [], style);
    files.set(fileName(name), bytes);
    written.add(name);
    return bytes;
  }

  function stepUp<D extends Document>(name: string, document: D, edit?: (document: D) => void): void {
    if (written.has(name)) document.version++;
    document.expires = isoTime(now() + lifetime(name));
    edit?.(document);
  }

  function metaOf(version: number, bytes: Uint8Array): Meta {
    if (options.metaHashes === undefined || options.metaHashes.length === 0) return { version };
    return { version, length: bytes.byteLength, hashes: hashesOf(bytes, options.metaHashes) };
  }

  function publishRoot(edits: Edits = {}): void {
    stepUp('root', root, edits.root);
    write('root');
    rootChanged = false;
    signers.set('root', authorities.get('root')?.keys ?? []);
  }

  function publish(edits: Edits = {}): void {
    if (rootChanged) publishRoot(edits);
    // Bins without targets differ in nothing: one signature serves them all.
    const empty = new Map<string, Uint8Array>();
    for (const name of changed) {
      const document = role(name);
      stepUp(name, document, edits.roles?.[name]);
      const isEmpty =
        document.targets.size === 0 && document.delegations === undefined && edits.roles?.[name] === undefined;
      const same = [document.version, document.expires, ...(signers.get(name) ?? []).map((key) => key.keyid)].join();
      const bytes = write(name, isEmpty ? empty.get(same) : undefined);
      if (isEmpty) empty.set(same, bytes);
      snapshot.meta.set(`${name}.json`, metaOf(document.version, bytes));
    }
    changed.clear();
    stepUp('snapshot', snapshot, edits.snapshot);
    timestamp.meta.set('snapshot.json', metaOf(snapshot.version, write('snapshot')));
    stepUp('timestamp', timestamp, edits.timestamp);
    write('timestamp');
  }

  function addTarget(to: string, path: string, bytes: Uint8Array, custom?: Extra): void {
    const hashes = hashesOf(bytes, options.targetHashes ?? ['sha256']);
    role(to).targets.set(path, { length: bytes.byteLength, hashes, ...(custom === undefined ? {} : { custom }) });
    changed.add(to);
    const names = options.targetNames ?? (consistent ? 'prefixed' : 'plain');
    const slash = path.lastIndexOf('/') + 1;
    if (names !== 'prefixed') files.set(`targets/${path}`, bytes);
    if (names !== 'plain')
      for (const hex of hashes.values()) files.set(`targets/${path.slice(0, slash)}${hex}.${path.slice(slash)}`, bytes);
  }

  function openRole(name: string, authority: Authority): TargetsDocument {
    const document = roles.get(name) ?? emptyTargets(name);
    roles.set(name, document);
    signers.set(name, authority.keys);
    changed.add(name);
    return document;
  }

  function delegationsOf(from: string, authority: Authority): Delegations {
    changed.add(from);
    const document = role(from);
    const delegations = document.delegations ?? { keys: new Map<string, PublicKey>() };
    document.delegations = delegations;
    for (const key of authority.keys) delegations.keys.set(key.keyid, key.public);
    return delegations;
  }

  function delegate(
    from: string,
    { name, authority, paths, pathHashPrefixes, terminating }: Delegation,
  ): TargetsDocument {
    const delegations = delegationsOf(from, authority);
    const listed: DelegatedRole = {
      name,
      ...roleOf(authority),
      terminating: terminating ?? false,
      ...(paths === undefined ? {} : { paths }),
      ...(pathHashPrefixes === undefined ? {} : { path_hash_prefixes: pathHashPrefixes }),
    };
    delegations.roles ??= [];
    delegations.roles.push(listed);
    return openRole(name, authority);
  }

  return {
    root,
    timestamp,
    snapshot,
    roles,
    signers,
    files,
    role,
    addTarget,
    removeTarget(from, path) {
      role(from).targets.delete(path);
      changed.add(from);
    },
    delegate,
    delegateBins(from, prefix, bits, authority) {
      const bins = createBins(prefix, bits);
      bins.names.forEach((name, i) => {
        delegate(from, { name, authority, pathHashPrefixes: prefixesOf(i, bits) });
      });
      return bins;
    },
    delegateSuccinct(from, prefix, bits, authority) {
      const bins = createBins(prefix, bits);
      const delegations = delegationsOf(from, authority);
      delegations.succinct_roles = { ...roleOf(authority), bit_length: bits, name_prefix: prefix };
      for (const name of bins.names) openRole(name, authority);
      return bins;
    },
    rotate(name, authority) {
      const before = signers.get('root') ?? [];
      authorities.set(name, authority);
      listAuthorities();
      rootChanged = true;
      if (name === 'root') signers.set('root', union(before, authority.keys));
      else signers.set(name, authority.keys);
      if (name === 'targets') changed.add('targets');
    },
    touch: (name) => {
      changed.add(name);
    },
    publishRoot,
    publish,
    write: (name) => write(name),
  };
}

function union(a: readonly SigningKey[], b: readonly SigningKey[]): SigningKey[] {
  return [...new Map([...a, ...b].map((key) => [key.keyid, key])).values()];
}

function hashesOf(bytes: Uint8Array, algorithms: readonly Algorithm[]): Map<string, string> {
  return new Map(algorithms.map((algorithm) => [algorithm, digestHex(algorithm, bytes)]));
}
