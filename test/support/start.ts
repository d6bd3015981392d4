import type { Instant } from '../../src/bytes/instant.ts';
import { runToEnd } from '../../src/tuf/sliced.ts';
import { type AtRoot, asOf } from '../../src/tuf/stages.ts';
import { pinRoot } from '../../src/tuf/trusted-root.ts';

/** Trust that begins with these bytes, as of a time. */
export function startFrom(pinnedRoot: Uint8Array, now: Instant): AtRoot {
  return asOf(runToEnd(pinRoot(pinnedRoot)), now);
}
