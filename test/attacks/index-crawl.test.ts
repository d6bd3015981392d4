import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type IndexRig, startIndexRig } from '../rigs/index-rig.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// A client that asks for every project there is: what is remembered of them is bounded, and takes nothing from what is held.

const ALPHA = tinyWheel('alpha');
const MOST = 200_000;
const projects = Array.from({ length: 300 }, (_, at) => `project-${at}`);

let rig: IndexRig;
afterEach(() => rig.close());

it('a crawl ends where the state of its index is full, and what is held is served on', async () => {
  rig = await startIndexRig({
    stateBytes: MOST,
    fill(pypi) {
      pypi.upload('alpha', ALPHA);
      for (const project of projects) pypi.upload(project, tinyWheel(project));
    },
  });
  expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
  const answers: number[] = [];
  for (const project of projects) answers.push((await rig.get(`/simple/${project}/`)).status);
  expect(answers[0]).toBe(200);
  expect(answers).toContain(503);
  expect((await stat(join(rig.data(), 'indexes', 'main', 'state', 'state.db'))).size).toBeLessThanOrEqual(MOST);
  rig.clock.advance(1000);
  expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
  expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
  await rig.restart();
  expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
  expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
});
