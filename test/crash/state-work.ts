import { createHash } from 'node:crypto';
import type { ItemPath } from '../../src/ports/state-storage.ts';

/** The item that is created together with that of this name. */
export function pairOf(name: string): ItemPath {
  return ['main', 'pages', name];
}

/** What a version of an item holds: tells whose it is, and fills more than one page now and then. */
export function contentFor(name: string, version: number, who: string): Uint8Array {
  const head = Buffer.from(`${name} ${version} ${who} `);
  const rest = createHash('sha256').update(head).digest();
  return Buffer.concat([head, ...Array.from({ length: version % 5 === 0 ? 200 : 8 }, () => rest)]);
}
