import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const child = fileURLToPath(new URL('heap.child.ts', import.meta.url));
const MiB = 1024 * 1024;

// What the flags of V8 do is nobody's promise: this says when a new node no longer heeds them.
it('a heap that is kept small neither grows by what is new nor keeps what is old, and its threads have their room', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [child, 'small']);
  const { grown, whole, threads } = JSON.parse(stdout);
  expect(grown).toBeLessThan(8 * MiB);
  expect(whole).toBeLessThan(80 * MiB);
  expect(threads).toBeGreaterThan(16 * MiB);
});
