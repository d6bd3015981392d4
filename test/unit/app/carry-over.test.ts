import { createHmac } from 'node:crypto';
import { appendFile, cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type CarryOverParts, carryOverIndexes, type LossWord } from '../../../src/app/carry-over.ts';
import { directoryIn } from '../../../src/app/data-directory.ts';
import type { Sealing } from '../../../src/app/secrets.ts';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { Databases } from '../../../src/disk/databases.ts';
import type { FileOps } from '../../../src/disk/file-ops.ts';
import { createAccessRecord } from '../../../src/disk/records/access-record.ts';
import { createJournal } from '../../../src/disk/records/journal.ts';
import { openVolume } from '../../../src/disk/volume.ts';
import type { IndexState } from '../../../src/ports/index-state.ts';
import { createPins } from '../../../src/state/pins.ts';
import { type KindOfDirectory, SEAL_KEY, unpackDirectory } from '../../support/data-directories.ts';
import { failAt, systemError } from '../../support/faults.ts';
import { type OpenedState, withState } from '../../support/state.ts';
import { all, filesBelow, scratch } from '../../support/volume-harness.ts';

// Directories that the program of layout 1 wrote, and what somebody may have done to them.

const INDEXES: Readonly<Record<KindOfDirectory, readonly string[]>> = {
  signed: ['main'],
  unsigned: ['main'],
  sealed: ['main', 'plain'],
};

interface Former {
  readonly data: string;
  readonly sealing: Sealing;
}

async function unpacked(kind: KindOfDirectory): Promise<Former> {
  const { data, seal } = await unpackDirectory(1, kind, await scratch());
  return { data, sealing: seal === undefined ? {} : { sealKey: Buffer.from(SEAL_KEY), sealEpochFile: seal.epoch } };
}

interface CarryOptions {
  readonly indexes?: readonly string[];
  readonly word?: LossWord;
  readonly ops?: FileOps;
  readonly begin?: CarryOverParts['state']['begin'];
}

async function carry({ data, sealing }: Former, options: CarryOptions = {}) {
  const { indexes = ['main', 'plain'], word, ops, begin } = options;
  const volume = await openVolume(data, ops === undefined ? {} : { ops });
  const { durable, root } = volume;
  const directoryOf = (index: string) => directoryIn(root, index);
  const databases = new Databases({ durable, root, directoryOf, access: 'write', scan: true, ...sealing });
  try {
    const { records } = databases;
    const state = begin === undefined ? databases.state : { begin };
    return await carryOverIndexes({ volume, state, records, directoryOf, indexes, sealing, word });
  } finally {
    await databases.close();
    await volume.close();
  }
}

const version = async ({ data }: Former) => (await readFile(join(data, 'VERSION'), 'utf8')).trim();
const below = async ({ data }: Former) =>
  (await filesBelow(join(data, 'indexes'))).filter((path) => !/-(wal|shm)$/.test(path));
const fileOf = async ({ data }: Former, part: string) =>
  join(data, 'indexes', (await filesBelow(join(data, 'indexes'))).find((path) => path.includes(part)) ?? part);
const word = (former: Former, index: string, adopt: boolean): LossWord => ({
  index,
  adopt,
  keepAs: join(former.data, 'indexes', index, 'lost', 'then'),
});

/** All that an index remembers, as far as it can be told. */
async function told(former: Former, index: string): Promise<unknown> {
  const told = async (state: IndexState, { databases }: OpenedState) => {
    const journal = await all(createJournal(databases.records).read());
    return JSON.parse(JSON.stringify({ ...(await everything(state)), journal }, asText));
  };
  return withState(former.data, told, { index, ...former.sealing });
}

async function everything(state: IndexState) {
  const pages = new Map<string, unknown>();
  const pins = new Map<string, unknown>();
  for await (const project of state.projects('pages')) pages.set(project, (await state.page(project).read())?.value);
  for await (const project of state.projects('pins')) pins.set(project, await createPins(state).of(project));
  const { trust } = state;
  const published = await trust.load();
  const facts = (await state.facts.read())?.value;
  return { pages, pins, facts, published: { ...published, current: undefined }, floor: await trust.timestamp() };
}

function asText(_: string, value: unknown): unknown {
  if (value instanceof Map) return [...value].sort(([a], [b]) => (a < b ? -1 : 1));
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}

const refusal = (message: RegExp) => ({ reason: 'state', transient: false, message: expect.stringMatching(message) });

describe.each(['signed', 'unsigned', 'sealed'] as const)('a directory of layout 1, %s', (kind) => {
  it('is carried over once, and marked; its files go', async () => {
    const former = await unpacked(kind);
    expect(await version(former)).toBe('1');
    await carry(former);
    expect(await version(former)).toBe('2');
    const left = await below(former);
    expect(left.filter((path) => /^[a-z]+\/(index|pins|pages|census|tuf)\//.test(path))).toEqual([]);
    for (const index of INDEXES[kind]) expect(left).toContain(`${index}/state/state.db`);
    const before = await Promise.all(INDEXES[kind].map((index) => told(former, index)));
    await carry(former);
    expect(await Promise.all(INDEXES[kind].map((index) => told(former, index)))).toEqual(before);
  });

  it('that another process uses is left alone', async () => {
    const former = await unpacked(kind);
    const server = await openVolume(former.data);
    onTestFinished(server.close);
    const before = await below(former);
    await expect(carry(former)).rejects.toMatchObject(refusal(/another process uses it/));
    expect(await version(former)).toBe('1');
    expect(await below(former)).toEqual(before);
    await server.close();
    await carry(former);
    expect(await version(former)).toBe('2');
  });
});

it.each(['signed', 'unsigned'] as const)(
  'a carrying over that was cut short at any step is done again from the files, or is whole already: %s',
  async (kind) => {
    const whole = await unpacked(kind);
    await carry(whole, { indexes: ['main'] });
    const expected = await told(whole, 'main');
    for (let at = 1; ; at++) {
      const former = await unpacked(kind);
      const faults = failAt(at, 'after', () => {
        throw systemError('EIO');
      });
      faults.arm();
      const cut = await carry(former, { indexes: ['main'], ops: faults.ops }).then(
        () => false,
        () => true,
      );
      if (cut) {
        // The process that met the fault has ended.
        await rm(join(former.data, 'tmp'), { recursive: true, force: true });
        // Until it is marked nothing of it is gone, and nobody takes half of it for all.
        if ((await version(former).catch(() => '1')) === '1')
          expect((await below(former)).some((path) => path.includes('main/index/'))).toBe(true);
        await carry(former, { indexes: ['main'] });
      }
      expect(await told(former, 'main')).toEqual(expected);
      await rm(dirname(former.data), { recursive: true });
      if (!faults.hit()) return;
    }
  },
  300_000,
);

it('an index that somebody else carried over meanwhile stops the start, which marks nothing', async () => {
  const former = await unpacked('unsigned');
  await expect(carry(former, { indexes: ['main'], begin: async () => false })).rejects.toThrow('is there already');
  expect(await version(former)).toBe('1');
});

describe('an index that is not configured', () => {
  it('stays as it is, and is carried over when it is', async () => {
    const former = await unpacked('sealed');
    await carry(former, { indexes: ['main'] });
    expect(await version(former)).toBe('2');
    const left = await below(former);
    expect(left.some((path) => path.startsWith('plain/pins/'))).toBe(true);
    expect(left.some((path) => path.startsWith('main/pins/'))).toBe(false);
    await carry(former);
    expect((await below(former)).some((path) => path.startsWith('plain/pins/'))).toBe(false);
    expect(await told(former, 'plain')).toMatchObject({ facts: { evidence: 'index' } });
  });
});

interface Harm {
  readonly does: string;
  readonly kind: KindOfDirectory;
  readonly index: string;
  readonly harm: (former: Former) => Promise<unknown>;
  readonly says: RegExp;
  /** What is given up by an operator's word, and by one that also adopts. */
  readonly lost: readonly string[];
  readonly adopted?: readonly string[];
}

/** Other state under a right digest and no seal, as somebody can make who has the program and not the key. */
async function forge(path: string, edit: (state: string) => string): Promise<void> {
  const { state } = JSON.parse(await readFile(path, 'utf8'));
  const forged = edit(JSON.stringify(state));
  await writeFile(path, `{"sha256":"${sha256Hex(Buffer.from(forged))}","state":${forged}}\n`);
}

/** What the program of layout 1 sealed with. */
function sealOf(context: readonly (string | number)[], bytes: Uint8Array): string {
  const key = createHmac('sha256', SEAL_KEY).update('verbatim data directory').digest();
  return createHmac('sha256', key)
    .update(`${JSON.stringify(context)}\n`)
    .update(bytes)
    .digest('hex');
}

const HARMS: readonly Harm[] = [
  {
    does: 'pins cut short',
    kind: 'unsigned',
    index: 'main',
    harm: async (former) => writeFile(await fileOf(former, 'pins/8e/alpha'), '{'),
    says: /pins\/8e\/alpha is damaged/,
    lost: ['pins/8e/alpha'],
  },
  {
    does: 'a page in which a byte has turned',
    kind: 'unsigned',
    index: 'main',
    harm: async (former) => {
      const path = await fileOf(former, 'pages/8e/alpha');
      const bytes = await readFile(path);
      bytes[bytes.length - 3] = (bytes[bytes.length - 3] ?? 0) ^ 1;
      await writeFile(path, bytes);
    },
    says: /pages\/8e\/alpha is damaged/,
    lost: ['pages/8e/alpha'],
  },
  {
    does: "another project's page in a project's place",
    kind: 'unsigned',
    index: 'main',
    harm: async (former) => cp(await fileOf(former, 'pages/f4/beta'), await fileOf(former, 'pages/8e/alpha')),
    says: /pages\/8e\/alpha belongs to another project/,
    lost: ['pages/8e/alpha'],
  },
  {
    does: 'trust without one of its documents',
    kind: 'signed',
    index: 'main',
    harm: async (former) => {
      const pointer = JSON.parse(await readFile(await fileOf(former, 'main/tuf/current/'), 'utf8'));
      await rm(await fileOf(former, `documents/${pointer.state.snapshot.sha256}`));
    },
    says: /tuf\/current is damaged/,
    lost: ['tuf/current'],
  },
  {
    does: 'sealed pins that were forged',
    kind: 'sealed',
    index: 'plain',
    harm: async (former) =>
      forge(await fileOf(former, 'plain/pins/8e/alpha'), (state) => state.replace('"seen":', '"seen":1')),
    says: /pins\/8e\/alpha carries no seal/,
    lost: ['pins/8e/alpha'],
    adopted: [],
  },
  {
    does: 'sealed pins put back to what they were',
    kind: 'sealed',
    index: 'plain',
    harm: async (former) => {
      const path = await fileOf(former, 'plain/pins/8e/alpha');
      const number = Number(/(\d+)\.json$/.exec(path)?.[1]) - 1;
      const { state } = JSON.parse(await readFile(path, 'utf8'));
      const bytes = Buffer.from(JSON.stringify(state));
      const seal = sealOf(['plain', 'pins/8e/alpha', number], bytes);
      await rm(path);
      await writeFile(
        join(dirname(path), `${number}.json`),
        `{"sha256":"${sha256Hex(bytes)}","seal":"${seal}","state":${bytes}}\n`,
      );
    },
    says: /pins\/8e\/alpha is older than it was/,
    lost: [],
  },
  {
    does: 'sealed pins under the seal of another number',
    kind: 'sealed',
    index: 'plain',
    harm: async (former) => {
      const path = await fileOf(former, 'plain/pins/8e/alpha');
      const number = Number(/(\d+)\.json$/.exec(path)?.[1]);
      await rename(path, join(dirname(path), `${number + 1}.json`));
    },
    says: /pins\/8e\/alpha carries a seal that does not fit/,
    lost: ['pins/8e/alpha'],
    adopted: [],
  },
  {
    does: 'a sealed page that is missing',
    kind: 'sealed',
    index: 'plain',
    harm: async (former) => rm(await fileOf(former, 'plain/pages/8e/alpha')),
    says: /pages\/8e\/alpha is missing/,
    lost: [],
  },
  {
    does: 'a sealed record that is missing',
    kind: 'sealed',
    index: 'plain',
    harm: async ({ data }) => rm(join(data, 'indexes', 'plain', 'census'), { recursive: true }),
    says: /census is missing/,
    lost: [],
  },
  {
    does: 'no seal where a seal key is configured',
    kind: 'unsigned',
    index: 'main',
    harm: async (former) => Object.assign(former, { sealing: { sealKey: Buffer.from(SEAL_KEY) } }),
    says: /carries no seal, although a seal key is configured.*and [0-9]+ more/,
    lost: [
      'index',
      'pages/8e/alpha',
      'pages/f4/beta',
      'pages/28/gone',
      'pins/28/gone',
      'pins/8e/alpha',
      'pins/f4/beta',
    ],
    adopted: [],
  },
  {
    does: 'a seal where no seal key is configured',
    kind: 'sealed',
    index: 'main',
    harm: async (former) => Object.assign(former, { sealing: {} }),
    says: /carries a seal, and no seal key is configured/,
    lost: ['index', 'pins/8e/alpha', 'pins/f4/beta', 'pins/b3/claimed-one', 'tuf/current', 'tuf/floor'],
    adopted: [],
  },
];

describe('a directory of which not all is believed', () => {
  it.each(HARMS)('$does: is refused and stays as it is, until an operator gives that up', async (each) => {
    const { kind, index, harm, says, lost, adopted = lost } = each;
    const untouched = await unpacked(kind);
    await harm(untouched);
    const before = await below(untouched);
    await expect(carry(untouched, { indexes: [index] })).rejects.toMatchObject(refusal(says));
    expect(await version(untouched)).toBe('1');
    expect(await below(untouched)).toEqual(before);
    for (const [adopt, expected] of [
      [false, lost],
      [true, adopted],
    ] as const) {
      const former = await unpacked(kind);
      await harm(former);
      const outcome = await carry(former, { indexes: [index], word: word(former, index, adopt) });
      expect(outcome?.setAside.filter((path) => path !== 'census').toSorted()).toEqual([...expected].sort());
      expect(await version(former)).toBe('2');
      // Every file it came from is kept.
      const kept = (await below(former)).filter((path) => path.startsWith(`${index}/lost/then/`));
      expect(kept.length).toBeGreaterThan(0);
      await told(former, index);
    }
  });

  it('one index: another one that is whole waits for it, and nobody gives that up', async () => {
    const former = await unpacked('sealed');
    await rm(await fileOf(former, 'plain/pages/8e/alpha'));
    await expect(carry(former)).rejects.toMatchObject(refusal(/index plain/));
    await expect(carry(former, { word: word(former, 'main', true) })).rejects.toMatchObject(refusal(/index plain/));
    expect(await version(former)).toBe('1');
    await carry(former, { word: word(former, 'plain', false) });
    expect(await told(former, 'main')).toMatchObject({ facts: { evidence: 'tuf' } });
  });
});

describe('sealed state put back after it was carried over', () => {
  it('as the files it came from is refused by the epoch outside', async () => {
    const former = await unpacked('sealed');
    const kept = join(dirname(former.data), 'kept');
    await cp(former.data, kept, { recursive: true });
    await carry(former);
    await told(former, 'plain');
    await rm(former.data, { recursive: true });
    await cp(kept, former.data, { recursive: true });
    await expect(carry(former)).rejects.toMatchObject(refusal(/census is older than it was/));
  });
});

it('an empty directory is of the layout of today', async () => {
  const data = join(await scratch(), 'data');
  await mkdir(data, { mode: 0o700 });
  expect(await carry({ data, sealing: {} })).toBeUndefined();
  expect(await version({ data, sealing: {} })).toBe('2');
});

describe('the records of a directory of layout 1', () => {
  const recorded = ({ data, sealing }: Former) =>
    withState(
      data,
      async (_, { databases }) => ({
        journal: (await all(createJournal(databases.records).read())).map(({ kind }) => kind),
        sent: await createAccessRecord(databases.records).fetches(({ file }) => file === 'alpha-1.0-py3-none-any.whl'),
      }),
      sealing,
    );
  const asWritten = { journal: ['yanked', 'removed', 'accepted'], sent: [{ client: '127.0.0.1', project: 'alpha' }] };

  it('are carried over, oldest first, and their files go', async () => {
    const former = await unpacked('unsigned');
    await appendFile(join(former.data, 'journal', '1.jsonl'), '{"at":99,"index":"ma\ngarbage\n\n');
    const later = '{"at":1793628001,"index":"main","project":"gone","kind":"returned"}\n';
    await writeFile(join(former.data, 'journal', '2.jsonl'), later);
    await carry(former);
    expect(await recorded(former)).toMatchObject({ ...asWritten, journal: [...asWritten.journal, 'returned'] });
    expect(await readdir(former.data)).not.toContain('journal');
    expect(await readdir(former.data)).not.toContain('access');
    await carry(former);
    expect((await recorded(former)).journal).toHaveLength(4);
  });

  it('are there once where a start before carried some of them over and broke off', async () => {
    const former = await unpacked('unsigned');
    const lines = (await readFile(join(former.data, 'journal', '1.jsonl'), 'utf8')).split('\n').filter(Boolean);
    await withState(former.data, async (_, { databases }) => {
      await databases.records.append('journal', lines.slice(0, 2), 1_000_000);
    });
    await carry(former);
    expect(await recorded(former)).toMatchObject(asWritten);
  });

  it('that are many come over whole', async () => {
    const former = await unpacked('unsigned');
    const line = (at: number) => `{"at":${at},"index":"main","project":"gone","kind":"removed"}\n`;
    const lines = Array.from({ length: 12_000 }, (_, at) => line(at + 1));
    await writeFile(join(former.data, 'journal', '1.jsonl'), lines.join(''));
    await carry(former);
    expect((await recorded(former)).journal).toHaveLength(12_000);
  });
});
