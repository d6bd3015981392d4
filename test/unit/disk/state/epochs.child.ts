import { EpochFile } from '../../../../src/disk/database/epoch-file.ts';
import { nodeFileOps } from '../../../../src/disk/file-ops.ts';

// Raises its own index and a shared one step by step: node epochs.child.ts FILE INDEX STEPS

const [path = '', index = '', steps = ''] = process.argv.slice(2);
const file = new EpochFile(nodeFileOps, path);
for (let epoch = 1; epoch <= Number(steps); epoch++) {
  await file.raise(index, epoch);
  await file.raise('shared', epoch);
}
