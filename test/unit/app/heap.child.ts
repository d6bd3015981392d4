import { once } from 'node:events';
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { keepHeapSmall } from '../../../src/app/heap.ts';

// Keeps the newest of what it makes, as pages are kept, and says what memory that took; then how a thread of it begins.

const KEPT = 40_000;
const MADE = 400_000;
const young = () => getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;

if (isMainThread) {
  const before = young();
  if (process.argv[2] === 'small') keepHeapSmall();
  const kept: string[][] = [];
  let whole = 0;
  for (let made = 0; made < MADE; made++) {
    kept[made % KEPT] = Array.from({ length: 8 }, (_, at) => `${made}-${at}`);
    if (made % 10_000 === 0) whole = Math.max(whole, getHeapStatistics().total_heap_size);
  }
  const thread = new Worker(import.meta.filename, { resourceLimits: { maxYoungGenerationSizeMb: 96 } });
  const [threads] = await once(thread, 'message');
  console.log(JSON.stringify({ grown: young() - before, whole, threads }));
} else parentPort?.postMessage(young());
