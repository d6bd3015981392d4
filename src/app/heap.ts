import { setFlagsFromString } from 'node:v8';

/**
 * Leaves memory to pages that V8 would take for garbage. It sizes its heap by the machine: where there is memory to spare,
 * what is new may grow to 128 MiB, and what is old to several times what is in use, before it is collected. V8 reads
 * each of these flags when it next needs it, so that nobody has to start node with them.
 */
export function keepHeapSmall(): void {
  // What is new stays as large as starting this program made it, 16 to 32 MiB; threads begin with all they may have.
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--min-semi-space-size=96');
  // What is old is collected once as much again has come on top of what was in use.
  setFlagsFromString('--heap-growing-percent=100');
}
