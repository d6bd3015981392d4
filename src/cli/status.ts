import { compose } from '../app/compose.ts';
import { conditionsHere } from '../app/conditions/mirror-conditions.ts';
import { noEvents } from '../app/no-events.ts';
import { untilText } from '../app/words.ts';
import type { Instant } from '../bytes/instant.ts';
import type { Config } from '../config/config.ts';
import type { IndexStatus } from '../mirror/package-index.ts';
import { firstSightText, hintText, outOfReachText } from '../ports/left-out.ts';
import { conditionLines } from './condition-text.ts';
import { statusEvidence } from './evidence-text.ts';
import { print, printJson } from './output.ts';

/** `verbatim status`: the trust state of every index. */
export async function status(config: Config, json: boolean): Promise<void> {
  const composition = await compose({ config, emit: noEvents });
  try {
    const [now, judged] = [composition.clock.now(), composition.clock.judged()];
    const all = await Promise.all(composition.indexes.map((index) => index.status()));
    await composition.blobs.scanned;
    const { bytes, blobs } = composition.blobs.usage();
    const held = composition.blobs.held();
    const disk = await composition.sizes();
    const inState = (name: string) => disk.find(({ part, index }) => part === 'state' && index === name)?.bytes ?? 0;
    const conditions = await conditionsHere(config, composition.clock);
    if (json) {
      printJson({
        now,
        judged,
        indexes: all,
        store: { bytes, blobs, byIndex: Object.fromEntries(held) },
        disk,
        conditions,
      });
      return;
    }
    for (const index of all)
      print(
        ...statusLines(index, now, judged),
        ...leftOutLines(index),
        megabytes('files held', held.get(index.name) ?? 0),
        megabytes('pages, pins and metadata kept', inState(index.name)),
      );
    for (const { part, index, bytes } of disk) if (index === '') print(megabytes(part, bytes).trimStart());
    print(...conditionLines(conditions));
  } finally {
    await composition.close();
  }
}

/** As it stands in the data directory: also what a server beside this command, or an earlier run, left out. */
function leftOutLines({ leftOut, firstSight, outOfReach }: IndexStatus): readonly string[] {
  const seen = firstSightText(firstSight);
  return [
    ...(leftOut.size === 0 ? ['  left out of pages: nothing'] : []),
    ...[...leftOut].map(([why, count]) => `  left out of pages (${why}): ${count} - ${hintText(why)}`),
    ...(seen === undefined ? [] : [`  evidence of some: first-sight - weaker than index: ${seen}`]),
    ...[...outOfReach].map(([host, files]) => `  out of reach: ${outOfReachText(host, files)}`),
  ];
}

function megabytes(what: string, bytes: number): string {
  return `  ${what}: ${(bytes / 1e6).toFixed(1)} MB`;
}

/** `judged`: as of when what expires is judged. */
export function statusLines(index: IndexStatus, now: Instant, judged: Instant = now): readonly string[] {
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
    const state = `${expires > judged ? 'expires' : 'EXPIRED'} ${untilText(expires, judged)}`;
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
  lines.push(...leftOutLines(index));
  return lines;
}
