import type { Instant } from '../../bytes/instant.ts';
import type { AuditEntry, IndexFacts, IndexState } from '../../ports/index-state.ts';
import type { StateStorage } from '../../ports/state-storage.ts';
import type { TrustStore } from '../../ports/trust/trust-store.ts';
import type { CarriedOver } from '../carry-over.ts';
import { trustPath } from '../paths.ts';
import { isDamage } from '../refusals.ts';
import { makeEmpty, setAside } from '../set-aside.ts';

/** A storage that can begin an index again from what is still believed of it. */
export interface RecoverableStorage extends StateStorage {
  recover(
    index: string,
    options: { readonly adopt: boolean; readonly keepAs: string },
  ): Promise<{
    readonly kept: number;
    readonly adopted: number;
    readonly lost: readonly (readonly string[])[];
    readonly setAside: boolean;
    /** Above every version an item had, as far as that can be told. */
    readonly epoch: number;
  }>;
}

/** What became of an index's state. */
export interface StateLoss {
  /** Believed as it was. */
  readonly kept: number;
  /** Believed on the operator's word, and written again under the present seal. */
  readonly adopted: number;
  /** Not believed, kept as evidence. */
  readonly setAside: readonly string[];
  /** Where to; undefined where nothing was. */
  readonly setAsideTo: string | undefined;
}

export interface LossOptions {
  readonly evidence: IndexFacts['evidence'];
  /** True to believe whatever is whole, whoever sealed it or did not: for a seal key that is new, changed or gone. */
  readonly adopt: boolean;
  readonly reason: string;
  readonly now: Instant;
  /** Where what is not believed goes: a name that is not taken yet. */
  readonly keepAs: string;
}

/**
 * An operator's word that what is missing from an index's state is missing: what holds is kept, the rest set aside, and the word
 * kept in the audit trail.
 */
export async function acceptStateLoss(
  storage: RecoverableStorage,
  state: IndexState,
  options: LossOptions,
): Promise<StateLoss> {
  const { index } = state;
  const { adopt, keepAs, now } = options;
  const { kept, adopted, lost, epoch, setAside: moved } = await storage.recover(index, { adopt, keepAs });
  await makeEmpty(
    storage,
    lost.map((names) => ({ item: [index, ...names], version: epoch })),
  );
  const given = lost.map((names) => names.join('/'));
  if (await isBroken(state.trust)) {
    const name = `tuf.lost-${now}`;
    for (const document of ['current', 'snapshot', 'targets'])
      await setAside(storage, trustPath(index, document), name);
    given.push('tuf/current');
  }
  await note(state, options);
  return { kept, adopted, setAside: given, setAsideTo: moved || given.length > 0 ? keepAs : undefined };
}

/** The same where what was believed came over from an earlier layout. */
export async function noteCarriedLoss(
  state: IndexState,
  { kept, adopted, setAside: given }: CarriedOver,
  options: LossOptions,
): Promise<StateLoss> {
  await note(state, options);
  return { kept, adopted, setAside: given, setAsideTo: options.keepAs };
}

async function note(state: IndexState, { evidence, adopt, reason, now }: LossOptions): Promise<void> {
  const entry: AuditEntry = { at: now, action: adopt ? 'accept-state-loss --adopt' : 'accept-state-loss', reason };
  await state.facts.change((was) =>
    was === undefined
      ? { evidence, createdAt: now, audit: [entry] }
      : { ...was.value, audit: [...was.value.audit, entry] },
  );
}

/** The pointer may be whole and what it points to not. */
async function isBroken(trust: TrustStore): Promise<boolean> {
  try {
    await trust.load();
    return false;
  } catch (error) {
    if (isDamage(error)) return true;
    throw error;
  }
}
