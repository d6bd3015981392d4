import { isAlgorithm } from '../bytes/digest.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { FetchProved } from './fetch.ts';
import type { Keeper } from './keeper.ts';
import { LIMITS } from './limits.ts';
import type { FileAnswer } from './mirror.ts';
import type { Blobs, IndexLayout } from './ports.ts';
import type { Roles, Search } from './roles.ts';

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
  const answer = (path: string, search: Search): FileAnswer => {
    const { target } = search;
    if (target === undefined) throw unlisted(path);
    return {
      filename: path.slice(path.lastIndexOf('/') + 1),
      size: target.length,
      sha256: target.digests.get('sha256'),
      held: blobs.holds(target),
      open: () =>
        fetchProved({
          name: path,
          subject: 'target',
          expected: target,
          limit: LIMITS.file,
          urls: layout.urls(path, target.digests, search.generation.root.signed.consistentSnapshot),
        }),
    };
  };

  return async (path) => {
    for (const { target, hash } of readings(path)) {
      const search = await roles.find(target);
      if (search.target === undefined) continue;
      if (hash === undefined || lists(search, hash)) return answer(target, search);
    }
    throw unlisted(path);
  };
}

function lists(search: Search, hash: string): boolean {
  return [...(search.target?.digests ?? [])].some(([algorithm, hex]) => isAlgorithm(algorithm) && hex === hash);
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
