import { canonicalBytes, jsonText, type Style } from './json-writer.ts';
import type { PublicKey, SigningKey } from './signing-keys.ts';

// TUF's four documents as plain, changeable values (TUF §4.3–4.6). Whatever is keyed by outside names is a Map, so that
// names such as `__proto__` or `9` keep their meaning and their place.

export type Extra = Record<string, unknown>;

export interface Role {
  keyids: string[];
  threshold: number;
}

interface Common {
  spec_version: string;
  version: number;
  expires: string;
}

export interface RootDocument extends Common, Extra {
  _type: string;
  consistent_snapshot: boolean;
  keys: Map<string, PublicKey>;
  roles: Map<string, Role>;
}

export interface Meta {
  version: number;
  length?: number;
  hashes?: Map<string, string>;
}

export interface MetaDocument extends Common, Extra {
  _type: string;
  meta: Map<string, Meta>;
}

export interface Target {
  length: number;
  hashes: Map<string, string>;
  custom?: Extra;
}

export interface DelegatedRole extends Role {
  name: string;
  terminating: boolean;
  paths?: readonly string[];
  path_hash_prefixes?: readonly string[];
}

export interface SuccinctRoles extends Role {
  bit_length: number;
  name_prefix: string;
}

export interface Delegations {
  keys: Map<string, PublicKey>;
  roles?: DelegatedRole[];
  succinct_roles?: SuccinctRoles;
}

export interface TargetsDocument extends Common, Extra {
  _type: string;
  targets: Map<string, Target>;
  delegations?: Delegations;
}

export type Document = RootDocument | MetaDocument | TargetsDocument;

/** Who may sign: the keys a role lists and how many of them must. */
export interface Authority {
  readonly keys: readonly SigningKey[];
  readonly threshold: number;
}

export function roleOf(authority: Authority): Role {
  return { keyids: authority.keys.map((key) => key.keyid), threshold: authority.threshold };
}

export interface Signature {
  keyid: string;
  sig: string;
}

/** One signature a key over the document's canonical form. */
export function signaturesOf(signed: unknown, keys: readonly SigningKey[]): Signature[] {
  const message = canonicalBytes(signed);
  return keys.map((key) => ({ keyid: key.keyid, sig: Buffer.from(key.sign(message)).toString('hex') }));
}

/** The file as it is published: `{ signatures, signed }` in the given style. */
export function envelope(signed: unknown, signatures: readonly Signature[], style: Style = {}): Uint8Array {
  return Buffer.from(jsonText({ signatures, signed }, style), 'utf8');
}

/** Signs any value, valid metadata or not, as it stands now. */
export function sign(signed: unknown, keys: readonly SigningKey[], style: Style = {}): Uint8Array {
  return envelope(signed, signaturesOf(signed, keys), style);
}

/** The name a role's file has in a URL: one path segment. */
export function encodeRole(role: string): string {
  return encodeURIComponent(role).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
