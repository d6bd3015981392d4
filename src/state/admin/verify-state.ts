import type { IndexState, Item } from '../../ports/index-state.ts';
import { isDamage } from '../refusals.ts';

/** Pages and pins of an index that signs nothing, as they are stored. */
export interface VerifiedState {
  readonly items: number;
  readonly wrong: readonly { readonly item: string; readonly message: string }[];
}

/** Reads all of it again. That none is missing is the storage's to know, which looked at the whole when it was opened. */
export async function verifyState(state: IndexState): Promise<VerifiedState> {
  let items = 0;
  const wrong: { readonly item: string; readonly message: string }[] = [];
  const check = async (name: string, item: Item<unknown>) => {
    items++;
    try {
      await item.read();
    } catch (error) {
      if (!isDamage(error)) throw error;
      wrong.push({ item: name, message: error.message });
    }
  };
  for await (const project of state.projects('pages')) await check(`pages/${project}`, state.page(project));
  for await (const project of state.projects('pins')) await check(`pins/${project}`, state.pins(project));
  for await (const project of state.projects('quarantine'))
    await check(`quarantine/${project}`, state.quarantine(project));
  for await (const project of state.projects('answers')) await check(`answers/${project}`, state.answers(project));
  for await (const project of state.projects('provenance'))
    await check(`provenance/${project}`, state.provenance(project));
  for await (const project of state.projects('contents')) await check(`contents/${project}`, state.contents(project));
  for await (const project of state.projects('seen-quarantines'))
    await check(`seen-quarantines/${project}`, state.seenQuarantine(project));
  return { items, wrong };
}
