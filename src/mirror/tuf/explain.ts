import { Refusal } from '../../bytes/refusal.ts';
import type { Pin, Pins } from '../../ports/index-state.ts';
import type { IndexLayout } from '../../presets/target-layout.ts';
import type { OwnFile } from '../../pypi/listing.ts';
import { projectCandidates } from '../../pypi/names.ts';
import type { Authority } from '../../tuf/authority.ts';
import type { Visit } from '../../tuf/delegation.ts';
import type { Instant } from '../../tuf/model.ts';
import { authorityOf } from '../../tuf/verified.ts';
import { isUnlisted } from '../files/unlisted.ts';
import type { Pages } from './pages.ts';
import { isOnline, onlineMaterial } from './role-status.ts';
import type { Roles, Search } from './roles.ts';

/** One role that vouches, from the root down to the one that lists the path. */
export interface Voucher {
  readonly role: string;
  readonly threshold: number;
  readonly keys: number;
  /** True where keys known to be online reach the threshold; else they are "not known to be online". */
  readonly online: boolean;
  readonly version: number;
  readonly expires: Instant;
}

export interface Explanation {
  readonly evidence: 'tuf' | 'index';

  readonly kind: 'project' | 'file';
  readonly name: string;
  readonly project: string;
  readonly target: string;
  readonly chain: readonly Voucher[];
  /** The page's own entry, for a file. */
  readonly digests: ReadonlyMap<string, string>;
  readonly pinned: Pin | undefined;
  /** The operator lets the index exchange files: nothing is held to its pin. */
  readonly reuploads: boolean;
  /** Roles asked on the way whose online keys would be enough to list something new here; empty: stolen online keys are not. */
  readonly forgeableOnline: readonly string[];
  readonly files: number;
}

interface ExplainOptions {
  readonly layout: IndexLayout;
  readonly pages: Pages;
  readonly roles: Roles;
  readonly pins: Pins;
  readonly reuploads: boolean;
}

/** Who vouches for a project or a file, and which keys an attacker would need; throws `unlisted` for what is not there. */
export function createExplain({
  layout,
  pages,
  roles,
  pins,
  reuploads,
}: ExplainOptions): (name: string) => Promise<Explanation> {
  const explain = async (name: string, project: string, file: OwnFile | undefined): Promise<Explanation> => {
    const target = layout.pageTarget(project) ?? '';
    const search = await roles.find(target);
    const chain = chainOf(search);
    const held = await pages.held(project);
    return {
      evidence: 'tuf',
      kind: file === undefined ? 'project' : 'file',
      name,
      project,
      target,
      chain,
      digests: file?.entry.digests ?? new Map(),
      pinned: file === undefined ? undefined : (await pins.of(project)).get(file.entry.filename),
      reuploads,
      forgeableOnline: forgeableOnline(search),
      files: held.listing.files.size,
    };
  };

  return async (name) => {
    let unread: unknown;
    if (name.includes('.') || name.endsWith('.whl')) {
      for (const project of projectCandidates(name)) {
        const held = await pages.held(project).catch((error: unknown) => {
          if (!isUnlisted(error)) unread ??= error;
          return undefined;
        });
        const withheld = held?.withheld.get(name);
        if (withheld !== undefined) throw withheld;
        const file = held?.listing.files.get(name);
        if (file !== undefined) return explain(name, project, file);
      }
    }
    const project = name.toLowerCase().replace(/[-_.]+/g, '-');
    await pages.held(project).catch((error: unknown) => {
      // "Not listed" may only be said when every page that could list it was read.
      throw isUnlisted(error) ? (unread ?? error) : error;
    });
    return explain(name, project, undefined);
  };
}

function chainOf(search: Search): readonly Voucher[] {
  const { generation } = search;
  const online = onlineMaterial(generation);
  const voucher = (
    role: string,
    authority: Authority,
    signed: { readonly version: number; readonly expires: Instant },
  ): Voucher => ({
    role,
    threshold: authority.threshold,
    keys: authority.keys.size,
    online: isOnline(authority, online),
    version: signed.version,
    expires: signed.expires,
  });
  const chain: Voucher[] = [];
  for (let visit: Visit | undefined = search.listedBy; visit !== undefined; visit = visit.parent)
    chain.unshift(
      voucher(
        visit.by?.name ?? 'targets',
        visit.by?.authority ?? authorityOf(generation.root.signed, 'targets'),
        visit.role.signed,
      ),
    );
  if (chain.length === 0) throw new Refusal('unlisted', 'The signed metadata does not list it.', { subject: 'page' });
  return [voucher('root', authorityOf(generation.root.signed, 'root'), generation.root.signed), ...chain];
}

/** Every role visited had the chance to list the path, or to delegate it to somebody else, before the one that does. */
function forgeableOnline({ generation, visited }: Search): readonly string[] {
  const online = onlineMaterial(generation);
  return visited
    .filter(({ by }) => isOnline(by?.authority ?? authorityOf(generation.root.signed, 'targets'), online))
    .map(({ by }) => by?.name ?? 'targets');
}
