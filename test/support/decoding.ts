import type { MetaDocument, RootDocument, TargetsDocument } from '../../src/repository/documents.ts';
import { decodeRoot, decodeSnapshot, decodeTargets, decodeTimestamp } from '../../src/tuf/decode.ts';
import { runToEnd } from '../../src/tuf/sliced.ts';
import { authority } from './keys.ts';
import { createSimulator } from './simulator.ts';
import { objectOf } from './tree.ts';

export const SHA256 = 'a'.repeat(64);
const { repository } = createSimulator({
  metaHashes: ['sha256'],
  fill(made) {
    made.addTarget('targets', 'a.txt', Buffer.from('a'));
    made.delegate('targets', { name: 'first', authority: authority(['first']), paths: ['first/*'] });
    made.delegate('targets', { name: 'second', authority: authority(['second']), pathHashPrefixes: ['0'] });
  },
});

export type Change<D> = (document: D) => unknown;

function changed<D>(document: D, change: Change<D>): D {
  const copy = structuredClone(document);
  change(copy);
  return copy;
}
export const root = (change: Change<RootDocument> = () => {}) =>
  runToEnd(decodeRoot(objectOf(changed(repository.root, change))));
export const timestamp = (change: Change<MetaDocument> = () => {}) =>
  runToEnd(decodeTimestamp(objectOf(changed(repository.timestamp, change))));
export const snapshot = (change: Change<MetaDocument> = () => {}) =>
  runToEnd(decodeSnapshot(objectOf(changed(repository.snapshot, change))));
export const targets = (change: Change<TargetsDocument> = () => {}) =>
  runToEnd(decodeTargets(objectOf(changed(repository.role('targets'), change))));

export const everyRole = { root, timestamp, snapshot, targets } as const;
/** Sets members to values of any type; `undefined` removes one. */
export const set = (members: Record<string, unknown>) => (document: object) => Object.assign(document, members);

/** Puts a value of any type where the writer would not. */
export function put(map: Map<unknown, unknown>, name: string, value: unknown): void {
  map.set(name, value);
}
