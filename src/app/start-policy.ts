import { createHash } from 'node:crypto';
import type { Instant } from '../bytes/instant.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { IndexConfig } from '../config/config.ts';
import type { Volume } from '../disk/volume.ts';
import { archiveTrust } from '../state/archive.ts';
import { remembers } from '../state/index-directory.ts';
import { createIndexState, type IndexState } from '../state/index-facts.ts';

/**
 * A data directory that ran one kind of evidence, or from one root, does not quietly run another. What it
 * returns notes the root, once that is accepted.
 */
export async function holdToState(
  volume: Volume,
  index: IndexConfig,
  root: Uint8Array,
  now: Instant,
  newTrust: string | undefined,
): Promise<() => Promise<void>> {
  const state = createIndexState(volume, index.name);
  const known = await state.load();
  const pinnedRootSha256 = createHash('sha256').update(root).digest('hex');
  refuseOtherEvidence(known, index);
  const audit = [
    ...(known?.audit ?? []),
    ...(newTrust === undefined ? [] : [{ at: now, action: 'new-trust', reason: newTrust }]),
  ];
  if (known !== undefined && newTrust !== undefined) {
    // On record before anything is put aside: a crash between must not lose who decided it.
    await state.save({ ...known, audit });
    await archiveTrust(volume, index.name, now);
  }
  return async () => {
    if (known === undefined) await state.save({ evidence: index.evidence, pinnedRootSha256, createdAt: now, audit });
    else if (known.pinnedRootSha256 !== pinnedRootSha256) await state.save({ ...known, pinnedRootSha256, audit });
  };
}

/**
 * What an index that signs nothing remembers is one upstream's word: another one's pages are not served as this one's.
 * Says up to when pages are the word of another, if there was one.
 */
export async function holdToUpstream(
  volume: Volume,
  index: IndexConfig,
  upstream: string,
  now: Instant,
  newTrust: string | undefined,
): Promise<Instant | undefined> {
  const state = createIndexState(volume, index.name);
  const known = await state.load();
  refuseOtherEvidence(known, index);
  if (known === undefined) {
    await state.save({ evidence: index.evidence, upstream, createdAt: now, audit: [] });
    return undefined;
  }
  if (known.upstream === upstream) return known.upstreamSince;
  if (known.upstream !== undefined && newTrust === undefined && (await remembers(volume, index.name)))
    throw new Refusal(
      'state',
      `The data directory holds what the index ${index.name} was at ${known.upstream}, and now it is to be ${upstream}. Nothing was changed. For another index choose another directory with --data, or give it a name of its own in a configuration file. If it is the same index at another address: serve --new-trust "why", which keeps what was seen and holds the new address to it.`,
      { subject: 'state' },
    );
  const audit = newTrust === undefined ? [] : [{ at: now, action: `new-trust upstream=${upstream}`, reason: newTrust }];
  await state.save({ ...known, upstream, upstreamSince: now, audit: [...known.audit, ...audit] });
  return now;
}

function refuseOtherEvidence(known: IndexState | undefined, { name, evidence }: IndexConfig): void {
  if (known !== undefined && known.evidence !== evidence)
    throw new Refusal(
      'state',
      `The data directory ran the index ${name} with evidence "${known.evidence}" before, and now it is to be "${evidence}". Nothing was changed. Choose another directory with --data, or give the index another name in a configuration file.`,
      { subject: 'state' },
    );
}
