import { sha256Hex } from '../../bytes/digest.ts';
import type { Instant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { AuditEntry, IndexFacts, IndexState, Known } from '../../ports/index-state.ts';

/** How a start is told to begin an index. */
export interface IndexStart {
  readonly evidence: IndexFacts['evidence'];
  readonly now: Instant;
  /** Why the operator begins this index again from another root, with other evidence or at another upstream; audited. */
  readonly newTrust: string | undefined;
  /** The word was carried out by an earlier start: this one goes on without it. */
  readonly onSpent: () => void;
}

/**
 * A data directory that ran one kind of evidence, or from one root, does not quietly run another. Pins are kept whatever
 * changes. What it returns notes the root, once that is accepted.
 */
export async function holdToRoot(state: IndexState, root: Uint8Array, start: IndexStart): Promise<() => Promise<void>> {
  const { evidence, now } = start;
  const pinnedRootSha256 = sha256Hex(root);
  const known = await state.facts.read();
  const word = wordOf(known, `root=${pinnedRootSha256}`, start);
  if (word === undefined) refuseOtherEvidence(state, known, evidence);
  else if (known !== undefined)
    // On record before anything is put aside: a crash between must not lose who decided it, nor what is left to do.
    await state.facts.change(
      (was) => was && { ...was.value, evidence, beginsAgain: true, audit: [...was.value.audit, word] },
    );
  await finishBeginning(state, now);
  return async () => {
    await state.facts.change((was) => {
      if (was === undefined)
        return { evidence, pinnedRootSha256, createdAt: now, audit: word === undefined ? [] : [word] };
      return was.value.pinnedRootSha256 === pinnedRootSha256 ? undefined : { ...was.value, pinnedRootSha256 };
    });
  };
}

async function finishBeginning(state: IndexState, now: Instant): Promise<void> {
  if ((await state.facts.read())?.value.beginsAgain !== true) return;
  await state.setTrustAside(now);
  await state.facts.change((was) => {
    if (was?.value.beginsAgain !== true) return undefined;
    const { beginsAgain: _, ...facts } = was.value;
    return facts;
  });
}

/**
 * What an index that signs nothing remembers is one upstream's word: another one's pages are not served as this one's.
 * Says up to when pages are the word of another, if there was one.
 */
export async function holdToUpstream(
  state: IndexState,
  upstream: string,
  start: IndexStart,
): Promise<Instant | undefined> {
  const { evidence, now } = start;
  const known = await state.facts.read();
  const word = wordOf(known, `upstream=${upstream}`, start);
  if (word === undefined) {
    refuseOtherEvidence(state, known, evidence);
    if (known?.value.upstream === upstream) return known.value.upstreamSince;
    await refuseOtherUpstream(state, known, upstream);
  }
  const changed = await state.facts.change((was) => {
    if (was === undefined) return { evidence, upstream, createdAt: now, audit: [] };
    const audit = word === undefined ? was.value.audit : [...was.value.audit, word];
    const isSame = was.value.upstream === upstream && was.value.evidence === evidence;
    return { ...was.value, evidence, upstream, upstreamSince: isSame ? was.value.upstreamSince : now, audit };
  });
  return changed?.value.upstreamSince;
}

/** The audit entry of the operator's word; undefined where there is none, or where it was carried out before. */
function wordOf(
  known: Known<IndexFacts> | undefined,
  what: string,
  { evidence, now, newTrust, onSpent }: IndexStart,
): AuditEntry | undefined {
  if (newTrust === undefined) return undefined;
  const move = known === undefined || known.value.evidence === evidence ? '' : `evidence=${evidence} `;
  const action = `new-trust ${move}${what}`;
  const { audit = [] } = known?.value ?? {};
  // A word that moved the index to this evidence is as spent as one that did not have to.
  const isSpent = audit.some(
    (entry) =>
      entry.reason === newTrust &&
      (entry.action === action || entry.action === `new-trust evidence=${evidence} ${what}`),
  );
  if (!isSpent) return { at: now, action, reason: newTrust };
  onSpent();
  return undefined;
}

async function refuseOtherUpstream(
  state: IndexState,
  known: Known<IndexFacts> | undefined,
  upstream: string,
): Promise<void> {
  const before = known?.value.upstream;
  if (before === undefined || !(await remembers(state))) return;
  throw new Refusal(
    'state',
    `The data directory holds what the index ${state.index} was at ${before}, and now it is to be ${upstream}. Nothing was changed. For another index choose another directory with --data, or give it a name of its own in a configuration file. If it is the same index at another address: serve --new-trust ${state.index}="why", which keeps what was seen and holds the new address to it.`,
    { subject: 'state' },
  );
}

function refuseOtherEvidence(
  { index }: IndexState,
  known: Known<IndexFacts> | undefined,
  evidence: IndexFacts['evidence'],
): void {
  if (known === undefined || known.value.evidence === evidence) return;
  const move =
    evidence === 'tuf'
      ? 'If it is the same index, which signs now'
      : 'If it is the same index, and you mean to believe it without signatures from now on';
  throw new Refusal(
    'state',
    `The data directory ran the index ${index} with evidence "${known.value.evidence}" before, and now it is to be "${evidence}". Nothing was changed. For another index choose another directory with --data, or give it another name in a configuration file. ${move}: serve --new-trust ${index}="why", which keeps the digests of every file seen.`,
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
