import { createHash } from 'node:crypto';

/** What a version of an item holds: tells whose it is, and fills more than one page now and then. */
export function contentFor(name: string, version: number, who: string): Uint8Array {
  const head = Buffer.from(`${name} ${version} ${who} `);
  const rest = createHash('sha256').update(head).digest();
  return Buffer.concat([head, ...Array.from({ length: version % 5 === 0 ? 200 : 8 }, () => rest)]);
}
