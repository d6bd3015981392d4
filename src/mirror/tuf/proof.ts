import { agree } from '../../bytes/digest.ts';
import type { Expected } from '../../bytes/expected.ts';
import type { Instant } from '../../bytes/instant.ts';
import type { Visit } from '../../tuf/delegation.ts';
import type { MetaFile } from '../../tuf/model.ts';
import type { Generation } from '../../tuf/stages.ts';

/** What a belief in a signed document rests on, so that a later generation can tell whether it still holds. */
export interface Proof {
  readonly generation: Generation;
  readonly rootVersion: number;
  /** What the snapshot said of every role visited, by its file name there. */
  readonly roles: ReadonlyMap<string, MetaFile | undefined>;
  /** The first delegated role to expire; top-level roles are compared per generation. */
  readonly expires: Instant;
  /** What the roles say of the document; undefined where they say that there is none. */
  readonly expected: Expected | undefined;
}

/** `visited`: every role the answer rests on. */
export function proofOf(generation: Generation, visited: readonly Visit[], expected: Expected | undefined): Proof {
  return {
    generation,
    rootVersion: generation.root.signed.version,
    ...restsOn(generation, visited, new Map(), Number.POSITIVE_INFINITY),
    expected,
  };
}

/** The same proof, resting on further roles of the same generation. */
export function extendedBy(proof: Proof, visited: readonly Visit[]): Proof {
  return { ...proof, ...restsOn(proof.generation, visited, proof.roles, proof.expires) };
}

/** A belief outlives its generation where every role on its chain is the same in the next; undefined where one is not. */
export function carryOver(proof: Proof, generation: Generation): Proof | undefined {
  if (proof.rootVersion !== generation.root.signed.version) return undefined;
  for (const [name, before] of proof.roles)
    if (!isSame(before, generation.snapshot.signed.meta.get(name))) return undefined;
  return { ...proof, generation };
}

/** True while nothing of the chain has expired, whatever upstream has published since. */
export function isUnexpired({ generation, expires }: Proof, now: Instant): boolean {
  const { root, timestamp, snapshot } = generation;
  return expires > now && [root, timestamp, snapshot].every(({ signed }) => signed.expires > now);
}

/** True where both say the same of the document's bytes. */
export function isSameDocument(a: Expected, b: Expected): boolean {
  if (a.length !== b.length || a.digests.size !== b.digests.size) return false;
  return [...a.digests].every(([algorithm, hex]) => b.digests.get(algorithm) === hex);
}

function restsOn(
  { snapshot }: Generation,
  visited: readonly Visit[],
  before: Proof['roles'],
  expires: Instant,
): Pick<Proof, 'roles' | 'expires'> {
  const roles = new Map(before);
  for (const { by } of visited) {
    const name = `${by?.name ?? 'targets'}.json`;
    roles.set(name, snapshot.signed.meta.get(name));
  }
  return { roles, expires: visited.reduce((first, { role }) => Math.min(first, role.signed.expires), expires) };
}

/** The same version, and where the snapshot states digests, the same ones: some upstreams forget to count up. */
function isSame(before: MetaFile | undefined, now: MetaFile | undefined): boolean {
  if (before === undefined || now === undefined || before.version !== now.version) return false;
  const [a, b] = [before.digests, now.digests];
  return a === undefined || b === undefined ? a === b : agree(a, b);
}
