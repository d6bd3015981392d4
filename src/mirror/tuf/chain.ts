import { Refusal } from '../../bytes/refusal.ts';
import type { Authority } from '../../tuf/authority.ts';
import type { Visit } from '../../tuf/delegation.ts';
import { authorityOf } from '../../tuf/verified.ts';
import type { Voucher } from '../evidence.ts';
import { isOnline, onlineMaterial } from './role-status.ts';
import type { Search } from './roles.ts';

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
  return visited
    .filter(({ by }) => isOnline(by?.authority ?? authorityOf(generation.root.signed, 'targets'), online))
    .map(nameOf);
}

function nameOf({ by }: Visit): string {
  return by?.name ?? 'targets';
}
