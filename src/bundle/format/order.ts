import { CHANGE_KINDS, type Change, type Entry, KINDS, type Kind } from './model.ts';

/** Between these two entries are a project's. */
const OF_PROJECTS = KINDS.indexOf('page');
const BEHIND_PROJECTS = KINDS.indexOf('target');
/** Which members each kind has besides its digest. */
const NAMED_BY: Readonly<Record<Kind, readonly (keyof Entry)[]>> = {
  report: [],
  sbom: [],
  root: ['version'],
  timestamp: ['version'],
  snapshot: ['version'],
  targets: ['name', 'version'],
  list: [],
  page: ['project'],
  file: ['project', 'name'],
  'core-metadata': ['project', 'name'],
  signature: ['project', 'name'],
  provenance: ['project', 'name'],
  target: ['name'],
  advisories: [],
};
const NAMES = ['project', 'name', 'version'] as const;

/** Whether an entry has exactly the names that its kind has. */
export function isNamedRight(entry: Entry): boolean {
  const wanted = NAMED_BY[entry.kind];
  return NAMES.every((member) => wanted.includes(member) === (entry[member] !== undefined));
}

/**
 * Below zero where `a` stands before `b`, zero where both are the same thing: what is not of a project by kind, name and version; then by project, with its page first
 * and then its files by name, each with what belongs to it; then targets by their paths, and advisories. Names compare by UTF-16 code units.
 */
export function compareEntries(a: Entry, b: Entry): number {
  const [ka, kb] = [KINDS.indexOf(a.kind), KINDS.indexOf(b.kind)];
  const [sa, sb] = [sectionOf(ka), sectionOf(kb)];
  if (sa !== sb) return sa - sb;
  return (
    compareText(a.project, b.project) || compareText(a.name, b.name) || ka - kb || (a.version ?? 0) - (b.version ?? 0)
  );
}

function sectionOf(kind: number): number {
  return kind > OF_PROJECTS && kind < BEHIND_PROJECTS ? OF_PROJECTS : kind;
}

/** The same of changes: by project, file and kind. */
export function compareChanges(a: Change, b: Change): number {
  return (
    compareText(a.project, b.project) ||
    compareText(a.name, b.name) ||
    CHANGE_KINDS.indexOf(a.change) - CHANGE_KINDS.indexOf(b.change)
  );
}

function compareText(a = '', b = ''): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
