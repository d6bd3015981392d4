import { type Reason, Refusal } from '../../bytes/refusal.ts';
import type { TrustStore } from '../../ports/trust/trust-store.ts';
import { acceptDelegated } from '../../tuf/accept.ts';
import type { Targets } from '../../tuf/model.ts';
import type { Runner } from '../../tuf/sliced.ts';
import type { Generation } from '../../tuf/stages.ts';
import type { Verified } from '../../tuf/verified.ts';

/** What became of the delegated roles on disk when they were proved again. */
export interface StoredRoles {
  readonly proved: number;
  /** Stored, but expired, or without the delegator that vouches for it: neither right nor wrong, and not believed. */
  readonly unproved: number;
  readonly wrong: readonly WrongRole[];
}

export interface WrongRole {
  readonly role: string;
  readonly version: number;
  readonly reason: Reason;
  readonly message: string;
}

const SUFFIX = '.json';

/**
 * Proves every delegated role that is stored, at the version this generation's snapshot names, from targets down. One that
 * several roles delegate to holds where it does under one of them; what nobody delegates to any more is never believed.
 */
export async function proveStoredRoles(
  generation: Generation,
  store: Pick<TrustStore, 'delegated'>,
  runner: Runner,
): Promise<StoredRoles> {
  const versions = new Map(
    [...generation.snapshot.signed.meta].map(([file, { version }]) => [file.slice(0, -SUFFIX.length), version]),
  );
  versions.delete('targets');
  const proved = new Set<string>();
  const refused = new Map<string, Refusal>();

  /** Those of its delegations that are stored, once each; returns the ones that delegate further. */
  const proveBelow = async (delegator: Verified<Targets>): Promise<readonly Verified<Targets>[]> => {
    const { delegations } = delegator.signed;
    if (delegations === undefined) return [];
    const further: Verified<Targets>[] = [];
    // The bins of a succinct delegation have no list: they are those of the snapshot's names that it would give them.
    const names = [...delegations.names];
    for (const name of names.length > 0 ? names : versions.keys()) {
      const by = delegations.named(name);
      const version = versions.get(name);
      if (by === undefined || version === undefined || proved.has(name)) continue;
      const bytes = await store.delegated(name, version);
      if (bytes === undefined) continue;
      try {
        const role = await runner(acceptDelegated(generation, by, bytes));
        proved.add(name);
        if (role.signed.delegations !== undefined) further.push(role);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        // Its expiry is looked at last: all else was right.
        if (error.reason !== 'expired') refused.set(name, error);
      }
    }
    return further;
  };

  let level: readonly Verified<Targets>[] = [generation.targets];
  while (level.length > 0) {
    const next: Verified<Targets>[] = [];
    for (const delegator of level) next.push(...(await proveBelow(delegator)));
    level = next;
  }

  const wrong: WrongRole[] = [];
  let unproved = 0;
  for (const [role, version] of versions) {
    if (proved.has(role)) continue;
    const refusal = refused.get(role);
    if (refusal !== undefined) wrong.push({ role, version, reason: refusal.reason, message: refusal.message });
    else if ((await store.delegated(role, version)) !== undefined) unproved++;
  }
  return { proved: proved.size, unproved, wrong };
}
