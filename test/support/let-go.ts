import type { Event } from '../../src/ports/events.ts';
import { workHere } from '../../src/ports/page-work.ts';
import { StateRoomKeeper } from '../../src/state/room-keeper.ts';
import { type StateOptions, withState } from './state.ts';

/** Lets every page of an index go, as if its state were full, beside whoever else uses it. Resolves to how many went. */
export async function letAllGo(data: string, options?: StateOptions): Promise<number> {
  let gone = 0;
  const emit = (event: Event) => {
    if (event.name === 'letGo') gone++;
    if (event.name === 'faulted') throw event.error;
  };
  await withState(
    data,
    async (state, { databases }) => {
      const room = {
        usage: async (index: string) => ({ ...(await databases.state.usage(index)), limit: 1 }),
        oldestPages: (index: string, after: number) => databases.state.oldestPages(index, after),
      };
      await new StateRoomKeeper({ room, state, work: workHere, emit }).makeRoom();
    },
    options,
  );
  return gone;
}
