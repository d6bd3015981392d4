import { describe, expect, it } from 'vitest';
import {
  type CarriedItem,
  type CarriedOver,
  carryOver,
  type FormerPiece,
  type FormerState,
  type LossAccepted,
} from '../../../src/state/carry-over.ts';

const FACTS = { evidence: 'index', createdAt: 1000, audit: [] } as const;
const ITEM: CarriedItem = {
  item: ['main', 'facts'],
  version: 1,
  value: Buffer.from(JSON.stringify(FACTS)),
};

function former(piece: Partial<FormerPiece>): FormerState {
  return {
    async *items() {
      yield { path: 'index', verdict: 'holds', why: '', content: { kind: 'facts', state: FACTS }, ...piece };
    },
    async *roots() {
      yield* [];
    },
    document: async () => undefined,
    async *roles() {
      yield* [];
    },
  };
}

async function carried(piece: Partial<FormerPiece>, accepted: LossAccepted | undefined) {
  const outcome: CarriedOver = { kept: 0, adopted: 0, setAside: [] };
  const items: CarriedItem[] = [];
  for await (const item of carryOver('main', former(piece), outcome, accepted)) items.push(item);
  return { items: items.map((item) => ({ ...item, value: Buffer.from(item.value) })), ...outcome };
}

const OLDER = { verdict: 'older', why: 'is older than it was' } as const;
const WHOLE = { verdict: 'whole', why: 'carries no seal' } as const;
const LOST = { verdict: 'lost', why: 'is damaged', content: undefined } as const;
const MADE_UP = { content: { kind: 'facts', state: { ...FACTS, more: 1 } } } as const;
const NOTHING = { items: [], kept: 0, adopted: 0, setAside: ['index'] };

describe('a piece of a former state', () => {
  it('that holds is carried over', async () => {
    for (const accepted of [undefined, { adopt: false }, { adopt: true }])
      expect(await carried({}, accepted)).toEqual({ items: [ITEM], kept: 1, adopted: 0, setAside: [] });
  });

  it.each([OLDER, WHOLE, LOST])('that $why is refused until an operator accepts it', async (piece) => {
    await expect(carried(piece, undefined)).rejects.toMatchObject({
      reason: 'state',
      message: expect.stringContaining(`index ${piece.why}. Nothing was changed.`),
    });
  });

  it('that holds and is not what was ever written counts as damaged', async () => {
    await expect(carried(MADE_UP, undefined)).rejects.toMatchObject({
      reason: 'state',
      message: expect.stringContaining('index is damaged. Nothing was changed.'),
    });
    for (const adopt of [false, true]) expect(await carried(MADE_UP, { adopt })).toEqual(NOTHING);
  });

  it('whose loss was accepted: an older one is kept, a whole one only where it is adopted, a lost one is set aside', async () => {
    const kept = { items: [ITEM], kept: 1, adopted: 0, setAside: [] };
    for (const adopt of [false, true]) expect(await carried(OLDER, { adopt })).toEqual(kept);
    expect(await carried(WHOLE, { adopt: false })).toEqual(NOTHING);
    expect(await carried(WHOLE, { adopt: true })).toEqual({ ...kept, kept: 0, adopted: 1 });
    for (const adopt of [false, true]) expect(await carried(LOST, { adopt })).toEqual(NOTHING);
  });
});
