import { expect, it } from 'vitest';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { type Believed, makeBelieved } from '../../../src/mirror/believed.ts';
import { drawCurrent } from '../../../src/mirror/projects/draw-current.ts';
import { client } from '../../support/callers.ts';

function believed(bytes: string | undefined): Believed<undefined> {
  const source = bytes === undefined ? undefined : { sha256: bytes, url: '', serial: undefined, weight: 0, read };
  const observation = { fetch: undefined, final: true, repeated: true };
  return makeBelieved('tuf', { name: 'demo', source, observation, from: 'upstream', proof: undefined });
}

const read = async () => new Uint8Array();
const MOVED_ON = new Refusal('digest', 'These are other bytes than the index signed.');

/** What comes of a page whose old bytes are not to be had any more, and what was asked and drawn on the way. */
async function drawing(first: Believed<undefined>, next: Believed<undefined>, failure: Error = MOVED_ON) {
  const steps: string[] = [];
  const drawers = {
    evidence: {
      ask: async (name: string, _: unknown, __: unknown, doubted?: boolean) => {
        steps.push(`ask ${name} ${doubted}`);
        return next;
      },
    },
    drawer: {
      draw: async (of: Believed<undefined>, source: { readonly sha256: string }) => {
        steps.push(`draw ${source.sha256}`);
        if (source.sha256 === 'old') throw failure;
        return {
          believed: of,
          view: source.sha256,
          settled: true,
          until: undefined,
          policy: '',
          pins: undefined,
          weight: 0,
        };
      },
    },
    absent: (name: string) => new Refusal('unlisted', `There is no ${name}.`),
  };
  const end = await drawCurrent(drawers, first, client()).then(
    ({ view }) => view,
    (error: unknown) => (error instanceof Refusal ? error.reason : String(error)),
  );
  return { end, steps };
}

const ASKED = ['draw old', 'ask demo true'];

it('a page that was replaced while it was drawn is drawn by its next word, once', async () => {
  const old = believed('old');
  expect(await drawing(old, believed('new'))).toEqual({ end: 'new', steps: [...ASKED, 'draw new'] });
  expect(await drawing(old, believed('old'))).toEqual({ end: 'digest', steps: [...ASKED, 'draw old'] });
});

it('a page is not drawn again where upstream has said nothing since', async () => {
  const old = believed('old');
  expect(await drawing(old, old)).toEqual({ end: 'digest', steps: ASKED });
});

it('a page that there is none of, or none of any more, is told to be absent', async () => {
  expect(await drawing(believed(undefined), believed('new'))).toEqual({ end: 'unlisted', steps: [] });
  expect(await drawing(believed('old'), believed(undefined))).toEqual({ end: 'unlisted', steps: ASKED });
});

it('what says nothing of upstream having moved on is asked for no second time', async () => {
  for (const error of [new Error('of our own'), new Refusal('unreachable', 'Upstream is away.')]) {
    const { steps } = await drawing(believed('old'), believed('new'), error);
    expect(steps).toEqual(['draw old']);
  }
});
