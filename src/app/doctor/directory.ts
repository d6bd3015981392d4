import { dirname } from 'node:path';
import type { Config } from '../../config/config.ts';
import { type DirectoryProbe, probeDirectory } from '../../disk/probe-directory.ts';
import { diskRoom } from '../conditions/disk.ts';
import { type Finding, findingsIn, wordsOf } from './finding.ts';

const { good, note, warning, error } = findingsIn('data');

/** A disk that takes longer to keep a few bytes holds every answer up that has to be remembered. Milliseconds. */
const SLOW_MS = 250;

/** Space, fsync, rename and links, where it will be written. */
export async function examineDirectory({ data, allowFuse, cache }: Config): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  let probed: DirectoryProbe;
  try {
    probed = await probeDirectory(data, allowFuse);
  } catch (cause) {
    return [
      error(
        'directory',
        wordsOf(cause),
        'Run this as the user whose the mirror is; see "Install" in docs/operating.md for what the directory needs.',
      ),
    ];
  }
  findings.push(
    probed.isThere
      ? good('directory', `${data} can be written, renamed and linked in.`)
      : note('directory', `There is no ${data} yet: "verbatim serve" makes it, and may.`),
  );
  const ms = Math.round(probed.syncMs);
  findings.push(
    ms > SLOW_MS
      ? warning(
          'fsync',
          `A few bytes took ${ms} ms until they were safe.`,
          "Use a disk of this machine's own, or find out what else keeps it busy.",
        )
      : good('fsync', `A few bytes are safe after ${ms} ms.`),
  );
  const room = await diskRoom(probed.isThere ? data : dirname(probed.at));
  if (room !== undefined) findings.push(space(room, cache.maxBytes));
  return findings;
}

function space({ free, size }: { readonly free: number; readonly size: number }, maxBytes: number): Finding {
  const has = `${gigabytes(free)} of ${gigabytes(size)} GB are free, and files may take ${gigabytes(maxBytes)} GB in all (cache.max_bytes)`;
  if (free < size / 20)
    return error('space', `${has}: less than a twentieth is left.`, 'Make room, or lower cache.max_bytes.');
  return free < maxBytes / 10
    ? warning('space', `${has}.`, 'Make room, or lower cache.max_bytes: a tenth more than it should fit.')
    : good('space', `${has}.`);
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}
