import { sha256Hex } from '../../bytes/digest.ts';
import type { Instant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { AuditEntry, IndexFacts, IndexState, Known } from '../../ports/index-state.ts';

/** How a start is told to begin an index. */
export interface IndexStart {
  readonly evidence: IndexFacts['evidence'];
  readonly now: Instant;
  /** Why the operator begins again from another root, or goes on at another upstream; audited. */
  readonly newTrust: string | undefined;
}

/**
 * A data directory that ran one kind of evidence, or from one root, does not quietly run another. What it returns notes the
 * root, once that is accepted.
 */
export async function holdToRoot(
  state: IndexState,
  root: Uint8Array,
  { evidence, now, newTrust }: IndexStart,
): Promise<() => Promise<void>> {
  const known = await state.facts.read();
  refuseOtherEvidence(state, known, evidence);
  const pinnedRootSha256 = sha256Hex(root);
  const word: readonly AuditEntry[] =
    newTrust === undefined ? [] : [{ at: now, action: 'new-trust', reason: newTrust }];
  if (known !== undefined && newTrust !== undefined) {
    // On record before anything is put aside: a crash between must not lose who decided it.
    await state.facts.change((was) => was && { ...was.value, audit: [...was.value.audit, ...word] });
    await state.setTrustAside(now);
  }
  return async () => {
    await state.facts.change((was) => {
      if (was === undefined) return { evidence, pinnedRootSha256, createdAt: now, audit: word };
      return was.value.pinnedRootSha256 === pinnedRootSha256 ? undefined : { ...was.value, pinnedRootSha256 };
    });
  };
}

/**
 * What an index that signs nothing remembers is one upstream's word: another one's pages are not served as this one's.
 * Says up to when pages are the word of another, if there was one.
 */
export async function holdToUpstream(
  state: IndexState,
  upstream: string,
  { evidence, now, newTrust }: IndexStart,
): Promise<Instant | undefined> {
  const known = await state.facts.read();
  refuseOtherEvidence(state, known, evidence);
  if (known?.value.upstream === upstream) return known.value.upstreamSince;
  const before = known?.value.upstream;
  if (before !== undefined && newTrust === undefined && (await remembers(state)))
    throw new Refusal(
      'state',
      `The data directory holds what the index ${state.index} was at ${before}, and now it is to be ${upstream}. Nothing was changed. For another index choose another directory with --data, or give it a name of its own in a configuration file. If it is the same index at another address: serve --new-trust "why", which keeps what was seen and holds the new address to it.`,
      { subject: 'state' },
    );
  const word: readonly AuditEntry[] =
    newTrust === undefined ? [] : [{ at: now, action: `new-trust upstream=${upstream}`, reason: newTrust }];
  const changed = await state.facts.change((was) =>
    was === undefined
      ? { evidence, upstream, createdAt: now, audit: [] }
      : { ...was.value, upstream, upstreamSince: now, audit: [...was.value.audit, ...word] },
  );
  return changed?.value.upstreamSince;
}

function refuseOtherEvidence(
  { index }: IndexState,
  known: Known<IndexFacts> | undefined,
  evidence: IndexFacts['evidence'],
): void {
  if (known !== undefined && known.value.evidence !== evidence)
    throw new Refusal(
      'state',
      `The data directory ran the index ${index} with evidence "${known.value.evidence}" before, and now it is to be "${evidence}". Nothing was changed. Choose another directory with --data, or give the index another name in a configuration file.`,
      { subject: 'state' },
    );
}

/** True where something of an index that signs nothing was seen and is remembered. */
async function remembers(state: IndexState): Promise<boolean> {
  for await (const project of state.projects('pages'))
    if ((await state.page(project).read()) !== undefined) return true;
  for await (const project of state.projects('pins')) if ((await state.pins(project).read()) !== undefined) return true;
  return false;
}
