import { randomBytes } from 'node:crypto';
import { stateStorageContract } from '../../../contract/state-storage.ts';
import { flipValue, type Party, party, scratchDirectory } from './rig.ts';

for (const [name, sealKey] of [
  ['SQLite', undefined],
  ['SQLite, sealed', randomBytes(32)],
] as const)
  stateStorageContract(name, async () => {
    const root = await scratchDirectory();
    const parties: Party[] = [];
    const begin = async () => {
      const begun = await party(root, { sealKey });
      parties.push(begun);
      return begun.state;
    };
    return {
      storage: await begin(),
      another: begin,
      async restart() {
        for (const each of parties.splice(0)) await each.close();
        return begin();
      },
      damage: async (item) => flipValue(root, item),
    };
  });
