import type { Blob } from '../../bytes/blob.ts';
import type { Expected } from '../../bytes/expected.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Blobs } from '../../ports/blobs.ts';
import type { IndexLayout } from '../../presets/target-layout.ts';
import type { FetchProved } from '../files/fetch.ts';
import { type FileAnswer, makeFileAnswer } from '../files/file-answer.ts';
import { LIMITS } from '../limits.ts';
import type { Keeper } from './keeper.ts';
import { evenIfMovedOn } from './moved-on.ts';
import type { Roles } from './roles.ts';

interface TargetsOptions {
  readonly keeper: Keeper;
  readonly layout: IndexLayout;
  readonly roles: Roles;
  readonly blobs: Blobs;
  readonly fetchProved: FetchProved;
}

const HASH_PREFIX = /^([0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})\.(.+)$/;

/** Relays targets under every name a downstream client derives (DESIGN J3); each proved by the role that lists it. */
export function createTargets({
  keeper,
  layout,
  roles,
  blobs,
  fetchProved,
}: TargetsOptions): (path: string) => Promise<FileAnswer> {
  const find = async (reading: Reading): Promise<Listed | undefined> => {
    const { target, generation } = await roles.find(reading.target);
    if (target === undefined || (reading.hash !== undefined && !lists(target, reading.hash))) return undefined;
    return { target, consistent: generation.root.signed.consistentSnapshot };
  };

  const open = async (reading: Reading): Promise<Blob> => {
    const listed = await find(reading);
    if (listed === undefined) throw unlisted(reading.target);
    const { target, consistent } = listed;
    return fetchProved({
      name: reading.target,
      subject: 'target',
      expected: target,
      limit: LIMITS.file,
      urls: layout.urls(reading.target, target.digests, consistent),
    });
  };

  return async (path) => {
    for (const reading of readings(path)) {
      const listed = await find(reading);
      if (listed !== undefined)
        return makeFileAnswer({
          filename: reading.target.slice(reading.target.lastIndexOf('/') + 1),
          size: listed.target.length,
          sha256: listed.target.digests.get('sha256'),
          held: await blobs.stored(listed.target),
          open: () => evenIfMovedOn(keeper, () => open(reading)),
        });
    }
    throw unlisted(path);
  };
}

interface Listed {
  readonly target: Expected;
  readonly consistent: boolean;
}

function lists({ digests }: Expected, hash: string): boolean {
  return [...digests.values()].includes(hash);
}

interface Reading {
  readonly target: string;
  readonly hash: string | undefined;
}

/** `dir/HASH.name` (TUF §6.2), tough's `HASH.dir/name`, and the plain name. */
function readings(path: string): readonly Reading[] {
  const cut = path.lastIndexOf('/') + 1;
  const folder = path.slice(0, cut);
  const inName = HASH_PREFIX.exec(path.slice(cut));
  const inPath = HASH_PREFIX.exec(path);
  const found: Reading[] = [];
  if (inName !== null) found.push({ target: folder + (inName[2] ?? ''), hash: inName[1] });
  if (inPath !== null && cut > 0) found.push({ target: inPath[2] ?? '', hash: inPath[1] });
  found.push({ target: path, hash: undefined });
  return found;
}

function unlisted(path: string): Refusal {
  return new Refusal('unlisted', `The signed metadata lists no target ${path.slice(0, 200)}.`, { subject: 'target' });
}
