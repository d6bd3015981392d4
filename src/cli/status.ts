import type { Config } from '../config/config.ts';
import type { IndexStatus } from '../mirror/mirror.ts';
import { compose } from './compose.ts';
import { print, printJson, untilText } from './output.ts';
import { quietEvents } from './quiet.ts';

/** `verbatim status`: the trust state of every index. */
export async function status(config: Config, json: boolean): Promise<void> {
  const composition = await compose({ config, events: quietEvents });
  try {
    const now = composition.clock.now();
    const all = await Promise.all(composition.indexes.map((index) => index.status()));
    const { bytes, blobs } = composition.blobs.usage();
    if (json) printJson({ now, indexes: all, store: { bytes, blobs } });
    else for (const index of all) print(statusText(index, now));
  } finally {
    await composition.close();
  }
}

function statusText(index: IndexStatus, now: number): string {
  const lines = [
    `${index.name}: mirrors ${index.upstream} (layout ${index.layout})`,
    '  evidence: tuf - every page and file is proved by a chain of signatures from the root you pinned',
  ];
  if (index.roles.length === 0) lines.push('  nothing has been accepted yet');
  for (const { role, version, expires, signed, threshold, keys, online } of index.roles) {
    const state = expires > now ? `expires ${untilText(expires, now)}` : `EXPIRED ${untilText(expires, now)}`;
    lines.push(
      `  ${role.padEnd(9)} version ${String(version).padEnd(5)} signed by ${signed} of ${keys} keys, ${threshold} needed (${online ? 'online keys' : 'keys not known to be online'}); ${state}`,
    );
  }
  if (index.lastError !== undefined)
    lines.push(
      `  last refresh failed [${index.lastError.reason}]: ${index.lastError.message}`,
      '  what was proved before is served until it expires',
    );
  for (const [why, count] of index.leftOut) lines.push(`  left out of pages (${why}): ${count}`);
  return lines.join('\n');
}
