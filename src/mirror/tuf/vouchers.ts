import { Refusal } from '../../bytes/refusal.ts';
import type { Authority } from '../../tuf/authority.ts';
import type { Visit } from '../../tuf/delegation.ts';
import type { TopLevelRole } from '../../tuf/model.ts';
import type { Runner } from '../../tuf/sliced.ts';
import type { Generation } from '../../tuf/stages.ts';
import { authorityOf, countSigners } from '../../tuf/verified.ts';
import type { RoleStatus, Voucher } from '../evidence.ts';
import type { Search } from './roles.ts';

const ROLES: readonly TopLevelRole[] = ['root', 'timestamp', 'snapshot', 'targets'];

/** Who signed each top-level role, of how many needed, until when. */
export async function roleStatus(generation: Generation, runner: Runner): Promise<readonly RoleStatus[]> {
  const online = onlineMaterial(generation);
  return Promise.all(
    ROLES.map(async (role) => {
      const document = generation[role];
      const authority = authorityOf(generation.root.signed, role);
      return {
        role,
        version: document.signed.version,
        expires: document.signed.expires,
        signed: await runner(countSigners(document, authority)),
        threshold: authority.threshold,
        keys: authority.keys.size,
        online: isOnline(authority, online),
      };
    }),
  );
}

/** Keys that must be in a machine's hands, because they sign timestamp or snapshot. */
function onlineMaterial({ root }: Generation): ReadonlySet<string> {
  const material = new Set<string>();
  for (const role of ['timestamp', 'snapshot'] as const)
    for (const key of authorityOf(root.signed, role).keys.values())
      if (key.material !== undefined) material.add(key.material);
  return material;
}

/** True where the keys known to be online are enough to sign for this role. */
function isOnline(authority: Authority, online: ReadonlySet<string>): boolean {
  const reachable = new Set<string>();
  for (const key of authority.keys.values())
    if (key.material !== undefined && (key.saysOnline || online.has(key.material))) reachable.add(key.material);
  return reachable.size >= authority.threshold;
}

/** Who vouches for what a search found, from the root down. */
export function chainOf({ generation, listedBy }: Search): readonly Voucher[] {
  const { root } = generation;
  const online = onlineMaterial(generation);
  const voucher = (
    role: string,
    authority: Authority,
    signed: { readonly version: number; readonly expires: number },
  ): Voucher => ({
    role,
    threshold: authority.threshold,
    keys: authority.keys.size,
    online: isOnline(authority, online),
    version: signed.version,
    expires: signed.expires,
  });
  const chain: Voucher[] = [];
  for (let visit = listedBy; visit !== undefined; visit = visit.parent)
    chain.unshift(
      voucher(nameOf(visit), visit.by?.authority ?? authorityOf(root.signed, 'targets'), visit.role.signed),
    );
  if (chain.length === 0) throw new Refusal('unlisted', 'The signed metadata does not list it.', { subject: 'page' });
  return [voucher('root', authorityOf(root.signed, 'root'), root.signed), ...chain];
}

/** Every role visited had the chance to list the path, or to delegate it to somebody else, before the one that does. */
export function forgeableOnline({ generation, visited }: Search): readonly string[] {
  const online = onlineMaterial(generation);
  const forgeable = visited.filter(({ by }) =>
    isOnline(by?.authority ?? authorityOf(generation.root.signed, 'targets'), online),
  );
  return [...new Set(forgeable.map(nameOf))];
}

function nameOf({ by }: Visit): string {
  return by?.name ?? 'targets';
}
