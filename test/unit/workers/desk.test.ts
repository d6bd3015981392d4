import { describe, expect, it } from 'vitest';
import { createGate } from '../../../src/async/gate.ts';
import { createDesk } from '../../../src/workers/desk.ts';
import { createLane } from '../../../src/workers/lane.ts';
import { client } from '../../support/callers.ts';

describe('a desk', () => {
  const bytes = Buffer.from('{"meta":{"api-version":"1.0"},"name":"alpha","files":[]}');

  it('knows no document but those that are open, and draws none before its links are made', async () => {
    const desk = createDesk();
    const filesOf = (document: number) => desk({ kind: 'files', ask: { document, from: 0 } });
    expect(() => filesOf(7)).toThrow('document 7 is not open');
    await desk({ kind: 'open', ask: { document: 7, project: 'alpha', bytes } });
    expect(await filesOf(7)).toMatchObject({ answer: [] });
    const drawn = {
      document: 7,
      withheld: new Set<string>(),
      silenced: new Set<string>(),
      unheld: undefined,
      times: undefined,
      hidden: false,
    };
    expect(() => desk({ kind: 'draw', ask: drawn })).toThrow('relinked before it is drawn');
    await desk({ kind: 'close', ask: { document: 7 } });
    expect(() => filesOf(7)).toThrow('document 7 is not open');
  });

  it('feeds no file that is not being inspected', async () => {
    const desk = createDesk();
    await expect(desk({ kind: 'feed', ask: { document: 7, bytes } })).rejects.toThrow('file 7 is not being inspected');
  });
});

it('a lane that was closed takes nothing on', async () => {
  const lane = createLane(createGate({ places: 1, queue: 1, full: 'full' }));
  await lane.close();
  await expect(lane.run(client(), async () => undefined)).rejects.toMatchObject({ reason: 'limit', transient: true });
});
