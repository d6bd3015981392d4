import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const child = fileURLToPath(new URL('standard-error.child.ts', import.meta.url));
const run = (lines: number) => spawn(process.execPath, [child, String(lines)], { stdio: ['ignore', 'pipe', 'pipe'] });

it('lines come whole and in order, the last one too', async () => {
  const logger = run(500);
  const lines = (await text(logger.stderr)).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).message)).toEqual([
    ...Array.from({ length: 500 }, (_, at) => `line ${at}`),
    'last',
  ]);
});

it('a reader who went away holds nothing up', async () => {
  const logger = run(500);
  logger.stderr.destroy();
  const said = JSON.parse(await text(logger.stdout));
  expect(said.dropped).toBeGreaterThan(0);
});

it('a reader who stopped reading costs lines, not service', async () => {
  const logger = run(20_000);
  logger.stderr.pause();
  const [said] = await once(logger.stdout, 'data');
  expect(JSON.parse(String(said)).dropped).toBeGreaterThan(10_000);
  logger.stderr.destroy();
  await once(logger, 'exit');
});
