import type { Expected } from '../bytes/digest.ts';
import { Refusal, type Subject } from '../bytes/refusal.ts';

/** A file's own entry among the signed targets, and where upstream stores it under its name there. */
export interface SignedEntry {
  readonly expected: Expected;
  readonly urls: readonly string[];
}

/** Page and target entry together (DESIGN §2): every digest of either must hold, and they may not contradict each other. */
export function bothListed(
  filename: string,
  subject: Subject,
  listed: Expected,
  signed: Expected | undefined,
): Expected {
  if (signed === undefined) return listed;
  const contradiction = [...signed.digests].some(([algorithm, hex]) => (listed.digests.get(algorithm) ?? hex) !== hex);
  if (contradiction || (listed.length ?? signed.length) !== signed.length)
    throw new Refusal('mix-and-match', `The project page and the file's own signed entry disagree about ${filename}.`, {
      subject,
    });
  return { length: signed.length, digests: new Map([...listed.digests, ...signed.digests]) };
}
