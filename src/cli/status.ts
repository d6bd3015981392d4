import { compose } from '../app/compose.ts';
import { noEvents } from '../app/no-events.ts';
import { untilText } from '../app/words.ts';
import type { Config } from '../config/config.ts';
import type { IndexStatus } from '../mirror/package-index.ts';
import { statusEvidence } from './evidence-text.ts';
import { print, printJson } from './output.ts';

/** `verbatim status`: the trust state of every index. */
export async function status(config: Config, json: boolean): Promise<void> {
  const composition = await compose({ config, emit: noEvents });
  try {
    const now = composition.clock.now();
    const all = await Promise.all(composition.indexes.map((index) => index.status()));
    const { bytes, blobs } = composition.blobs.usage();
    if (json) printJson({ now, indexes: all, store: { bytes, blobs } });
    else for (const index of all) print(...statusLines(index, now));
  } finally {
    await composition.close();
  }
}

export function statusLines(index: IndexStatus, now: number): readonly string[] {
  const lines = [
    `${index.name}: mirrors ${index.upstream} (layout ${index.layout})`,
    ...statusEvidence(index).map((line) => `  ${line}`),
  ];
  if (index.evidence === 'tuf' && index.roles.length === 0) {
    if (index.lastError?.reason === 'state') return [...lines, `  nothing of it is served: ${index.lastError.message}`];
    lines.push('  nothing has been accepted yet');
  }
  if (index.evidence === 'index' && index.lastRefresh !== undefined)
    lines.push(`  a page was last confirmed by upstream ${untilText(index.lastRefresh, now)}`);
  for (const { role, version, expires, signed, threshold, keys, online } of index.roles) {
    const state = expires > now ? `expires ${untilText(expires, now)}` : `EXPIRED ${untilText(expires, now)}`;
    lines.push(
      `  ${role.padEnd(9)} version ${String(version).padEnd(5)} signed by ${signed} of ${keys} keys, ${threshold} needed (${online ? 'online keys' : 'keys not known to be online'}); ${state}`,
    );
  }
  if (index.lastError !== undefined)
    lines.push(
      `  last refresh failed [${index.lastError.reason}]: ${index.lastError.message}`,
      index.evidence === 'tuf'
        ? '  what was proved before is served until it expires'
        : '  pages held stand in for it as long as stale_if_error allows',
    );
  for (const [why, count] of index.leftOut) lines.push(`  left out of pages (${why}): ${count}`);
  return lines;
}
