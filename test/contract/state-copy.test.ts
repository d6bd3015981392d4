import { createMemoryState } from '../support/memory-state.ts';
import { party, scratchDirectory } from '../unit/disk/state/rig.ts';
import { stateCopyContract } from './state-copy.ts';

stateCopyContract('in memory', async () => {
  const memory = createMemoryState();
  return async () => memory.party();
});

stateCopyContract('in SQLite', async () => {
  const root = await scratchDirectory();
  return async () => (await party(root)).state;
});

stateCopyContract('in SQLite, sealed', async () => {
  const root = await scratchDirectory();
  return async () => (await party(root, { sealKey: Buffer.from('a key that nobody can guess') })).state;
});
