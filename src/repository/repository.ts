import type { Algorithm } from '../bytes/digest.ts';
import { instantText } from '../bytes/instant.ts';
import { type Bins, createBins, prefixesOf } from './bins.ts';
import { digestHex } from './digests.ts';
import {
  type Authority,
  type DelegatedRole,
  type Delegations,
  type Document,
  type Extra,
  encodeRole,
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
export class Repository {
  readonly root: RootDocument;
  readonly timestamp: MetaDocument;
  readonly snapshot: MetaDocument;
  /** The top-level targets role and every delegated one. */
  readonly roles: Map<string, TargetsDocument>;
  /** The keys that will sign a role next; replace to sign wrongly. */
  readonly signers: Map<string, readonly SigningKey[]>;
  /** Everything published, old versions too: `metadata/1.root.json`, `targets/dir/HASH.name`. */
  readonly files = new Map<string, Uint8Array>();
  readonly #options: RepositoryOptions;
  readonly #consistent: boolean;
  readonly #authorities: Map<TopLevel, Authority>;
  readonly #written = new Set<string>();
  readonly #changed = new Set<string>(['targets']);
  #rootChanged = true;

  constructor(options: RepositoryOptions) {
    this.#options = options;
    this.#consistent = options.consistent ?? true;
    this.#authorities = new Map(TOP_LEVEL.map((role) => [role, options.authorities[role]]));
    this.signers = new Map([...this.#authorities].map(([role, { keys }]) => [role, keys]));
    this.root = {
      _type: 'root',
      ...this.#fresh('root'),
      consistent_snapshot: this.#consistent,
      keys: new Map(),
      roles: new Map(),
    };
    this.timestamp = { _type: 'timestamp', ...this.#fresh('timestamp'), meta: new Map() };
    this.snapshot = { _type: 'snapshot', ...this.#fresh('snapshot'), meta: new Map() };
    this.roles = new Map([['targets', this.#emptyTargets('targets')]]);
    this.#listAuthorities();
  }

  role(name: string): TargetsDocument {
    const document = this.roles.get(name);
    if (document === undefined) throw new Error(`no such role here: ${name}`);
    return document;
  }

  addTarget(to: string, path: string, bytes: Uint8Array, custom?: Extra): void {
    const { targetHashes = ['sha256'], targetNames = this.#consistent ? 'prefixed' : 'plain' } = this.#options;
    const hashes = hashesOf(bytes, targetHashes);
    this.role(to).targets.set(path, { length: bytes.byteLength, hashes, ...(custom === undefined ? {} : { custom }) });
    this.#changed.add(to);
    const slash = path.lastIndexOf('/') + 1;
    if (targetNames !== 'prefixed') this.files.set(`targets/${path}`, bytes);
    if (targetNames === 'plain') return;
    for (const hex of hashes.values())
      this.files.set(`targets/${path.slice(0, slash)}${hex}.${path.slice(slash)}`, bytes);
  }

  removeTarget(from: string, path: string): void {
    this.role(from).targets.delete(path);
    this.#changed.add(from);
  }

  delegate(
    from: string,
    { name, authority, paths, pathHashPrefixes, terminating = false }: Delegation,
  ): TargetsDocument {
    const delegations = this.#delegationsOf(from, authority);
    const listed: DelegatedRole = {
      name,
      ...roleOf(authority),
      terminating,
      ...(paths === undefined ? {} : { paths }),
      ...(pathHashPrefixes === undefined ? {} : { path_hash_prefixes: pathHashPrefixes }),
    };
    delegations.roles ??= [];
    delegations.roles.push(listed);
    return this.#openRole(name, authority);
  }

  /** PEP 458's bins, by `path_hash_prefixes`. */
  delegateBins(from: string, prefix: string, bits: number, authority: Authority): Bins {
    const bins = createBins(prefix, bits);
    bins.names.forEach((name, i) => {
      this.delegate(from, { name, authority, pathHashPrefixes: prefixesOf(i, bits) });
    });
    return bins;
  }

  /** TAP 15's bins, by `succinct_roles`. */
  delegateSuccinct(from: string, prefix: string, bits: number, authority: Authority): Bins {
    const bins = createBins(prefix, bits);
    const delegations = this.#delegationsOf(from, authority);
    delegations.succinct_roles = { ...roleOf(authority), bit_length: bits, name_prefix: prefix };
    for (const name of bins.names) this.#openRole(name, authority);
    return bins;
  }

  /** New keys for a top-level role; the next publish writes a root for it, signed by old and new root keys. */
  rotate(role: TopLevel, authority: Authority): void {
    const before = this.signers.get('root') ?? [];
    this.#authorities.set(role, authority);
    this.#listAuthorities();
    this.#rootChanged = true;
    if (role === 'root') this.signers.set('root', union(before, authority.keys));
    else this.signers.set(role, authority.keys);
    if (role === 'targets') this.#changed.add('targets');
  }

  /** Marks a targets role as changed, so that the next publish writes a new version of it. */
  touch(role: string): void {
    this.#changed.add(role);
  }

  /** A new root, whether or not anything changed. */
  publishRoot(edits: Edits = {}): void {
    this.#stepUp('root', this.root, edits.root);
    this.write('root');
    this.#rootChanged = false;
    this.signers.set('root', this.#authorities.get('root')?.keys ?? []);
  }

  /** Root if changed, changed targets roles, snapshot, timestamp: each one version up, signed and laid out. */
  publish(edits: Edits = {}): void {
    if (this.#rootChanged) this.publishRoot(edits);
    this.#publishTargets(edits.roles);
    this.#stepUp('snapshot', this.snapshot, edits.snapshot);
    this.timestamp.meta.set('snapshot.json', this.#metaOf(this.snapshot.version, this.write('snapshot')));
    this.#stepUp('timestamp', this.timestamp, edits.timestamp);
    this.write('timestamp');
  }

  /** Signs a document as it stands and lays it out under its own name, touching nothing else. */
  write(role: string): Uint8Array {
    return this.#layOut(role, sign(this.#documentOf(role), this.signers.get(role) ?? [], this.#options.style ?? {}));
  }

  #publishTargets(edits: Edits['roles']): void {
    // Bins without targets differ in nothing: one signature serves them all.
    const empty = new Map<string, Uint8Array>();
    for (const name of this.#changed) {
      const document = this.role(name);
      const edit = edits?.[name];
      this.#stepUp(name, document, edit);
      const isEmpty = document.targets.size === 0 && document.delegations === undefined && edit === undefined;
      const same = [
        document.version,
        document.expires,
        ...(this.signers.get(name) ?? []).map((key) => key.keyid),
      ].join();
      const signed = isEmpty ? empty.get(same) : undefined;
      const bytes = signed === undefined ? this.write(name) : this.#layOut(name, signed);
      if (isEmpty) empty.set(same, bytes);
      this.snapshot.meta.set(`${name}.json`, this.#metaOf(document.version, bytes));
    }
    this.#changed.clear();
  }

  #layOut(name: string, bytes: Uint8Array): Uint8Array {
    const versioned = name === 'root' || (this.#consistent && name !== 'timestamp');
    const prefix = versioned ? `${this.#documentOf(name).version}.` : '';
    this.files.set(`metadata/${prefix}${encodeRole(name)}.json`, bytes);
    this.#written.add(name);
    return bytes;
  }

  #documentOf(name: string): Document {
    if (name === 'root') return this.root;
    if (name === 'timestamp') return this.timestamp;
    return name === 'snapshot' ? this.snapshot : this.role(name);
  }

  #stepUp<D extends Document>(name: string, document: D, edit?: (document: D) => void): void {
    if (this.#written.has(name)) document.version++;
    document.expires = this.#expiryOf(name);
    edit?.(document);
  }

  #expiryOf(role: string): string {
    const { now, lifetime = () => YEAR } = this.#options;
    return instantText(now() + lifetime(role));
  }

  #fresh(role: string) {
    return { spec_version: '1.0.34', version: 1, expires: this.#expiryOf(role) };
  }

  #emptyTargets(role: string): TargetsDocument {
    return { _type: 'targets', ...this.#fresh(role), targets: new Map() };
  }

  #metaOf(version: number, bytes: Uint8Array): Meta {
    const { metaHashes = [] } = this.#options;
    if (metaHashes.length === 0) return { version };
    return { version, length: bytes.byteLength, hashes: hashesOf(bytes, metaHashes) };
  }

  #listAuthorities(): void {
    const keys = [...this.#authorities.values()].flatMap((authority) => authority.keys);
    this.root.keys = new Map(keys.map((key) => [key.keyid, key.public]));
    this.root.roles = new Map([...this.#authorities].map(([role, authority]) => [role, roleOf(authority)]));
  }

  #openRole(name: string, authority: Authority): TargetsDocument {
    const document = this.roles.get(name) ?? this.#emptyTargets(name);
    this.roles.set(name, document);
    this.signers.set(name, authority.keys);
    this.#changed.add(name);
    return document;
  }

  #delegationsOf(from: string, authority: Authority): Delegations {
    this.#changed.add(from);
    const document = this.role(from);
    document.delegations ??= { keys: new Map<string, PublicKey>() };
    for (const key of authority.keys) document.delegations.keys.set(key.keyid, key.public);
    return document.delegations;
  }
}

function union(a: readonly SigningKey[], b: readonly SigningKey[]): SigningKey[] {
  return [...new Map([...a, ...b].map((key) => [key.keyid, key])).values()];
}

function hashesOf(bytes: Uint8Array, algorithms: readonly Algorithm[]): Map<string, string> {
  return new Map(algorithms.map((algorithm) => [algorithm, digestHex(algorithm, bytes)]));
}
