import type { Authority } from '../../tuf/authority.ts';
import type { TopLevelRole } from '../../tuf/model.ts';
import type { Runner } from '../../tuf/sliced.ts';
import type { Generation } from '../../tuf/stages.ts';
import { authorityOf, countSigners } from '../../tuf/verified.ts';
import type { RoleStatus } from '../package-index.ts';

const ROLES: readonly TopLevelRole[] = ['root', 'timestamp', 'snapshot', 'targets'];

/** Who signed each top-level role, of how many needed, until when. */
export async function roleStatus(generation: Generation, patience: Runner): Promise<readonly RoleStatus[]> {
  const online = onlineMaterial(generation);
  return Promise.all(
    ROLES.map(async (role) => {
      const document = generation[role];
      const authority = authorityOf(generation.root.signed, role);
      return {
        role,
        version: document.signed.version,
        expires: document.signed.expires,
        signed: await patience(countSigners(document, authority)),
        threshold: authority.threshold,
        keys: authority.keys.size,
        online: isOnline(authority, online),
      };
    }),
  );
}

/** Keys that must be in a machine's hands, because they sign timestamp or snapshot (DESIGN §5 "Keys"). */
export function onlineMaterial({ root }: Generation): ReadonlySet<string> {
  const material = new Set<string>();
  for (const role of ['timestamp', 'snapshot'] as const)
    for (const key of authorityOf(root.signed, role).keys.values())
      if (key.material !== undefined) material.add(key.material);
  return material;
}

/** True where the keys known to be online are enough to sign for this role. */
export function isOnline(authority: Authority, online: ReadonlySet<string>): boolean {
  const reachable = new Set<string>();
  for (const key of authority.keys.values())
    if (key.material !== undefined && (key.saysOnline || online.has(key.material))) reachable.add(key.material);
  return reachable.size >= authority.threshold;
}
