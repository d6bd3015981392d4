import { sha256Hex } from '../bytes/digest.ts';
import { INDEX_NAME, INDEX_NAME_RULE } from '../bytes/index-name.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { ItemPath } from '../ports/state-storage.ts';

// Where each item of an index lies. A role's name is upstream's to choose, so it is part of a path only by its hash.

/** Throws Refusal `state` for a name that could lead elsewhere; it comes from the configuration and is checked all the same. */
export function indexName(index: string): string {
  if (INDEX_NAME.test(index)) return index;
  throw new Refusal('state', `"${index}" cannot be an index's name: ${INDEX_NAME_RULE}.`, { subject: 'state' });
}

export const factsPath = (index: string): ItemPath => [index, 'facts'];

export const carriedPath = (index: string): ItemPath => [index, 'carried'];

export const listPath = (index: string): ItemPath => [index, 'list'];

export type OfProjects = 'pins' | 'pages' | 'quarantine' | 'answers' | 'seen-quarantines' | 'provenance' | 'contents';

export const projectsPath = (index: string, kind: OfProjects): ItemPath => [index, kind];

export const projectPath = (index: string, kind: OfProjects, project: string): ItemPath => [index, kind, project];

export const trustPath = (index: string, ...names: readonly string[]): ItemPath => [index, 'tuf', ...names];

export const rootsPath = (index: string): ItemPath => trustPath(index, 'root');

export const rootPath = (index: string, version: number): ItemPath => trustPath(index, 'root', String(version));

export const delegatedPath = (index: string, role: string): ItemPath =>
  trustPath(index, 'delegated', sha256Hex(Buffer.from(role)));
