import { createHmac } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../../src/bytes/digest.ts';
import { type FileOps, nodeFileOps } from '../../../../src/disk/file-ops.ts';
import { FormerIndex, type FormerItem } from '../../../../src/disk/layout-1/former-index.ts';
import { formerLines } from '../../../../src/disk/layout-1/former-lines.ts';
import { LINE_BYTES } from '../../../../src/disk/limits.ts';
import { systemError } from '../../../support/faults.ts';
import { all, scratch } from '../../../support/volume-harness.ts';

// What the program of layout 1 left behind, made here from its form: each piece is judged by its own digest, its seal and the sealed record.

const KEY = Buffer.from('the seal key of a test');
const placeOf = (kind: string, project: string) => `${kind}/${sha256Hex(Buffer.from(project)).slice(0, 2)}/${project}`;
const ALPHA = placeOf('pins', 'alpha');
const PAGE = placeOf('pages', 'alpha');

function sealOf(path: string, number: number, parts: readonly string[]): string {
  const key = createHmac('sha256', KEY).update('verbatim data directory').digest();
  const mac = createHmac('sha256', key).update(`${JSON.stringify(['main', path, number])}\n`);
  for (const part of parts) mac.update(part);
  return mac.digest('hex');
}

interface Made {
  readonly number?: number;
  readonly seal?: string | undefined;
}

/** An index's directory, and what is made in it. */
async function directory() {
  const root = await scratch();
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  };
  return {
    write,
    async state(path: string, state: unknown, made: Made = {}) {
      const { number = 1 } = made;
      const text = JSON.stringify(state);
      const seal = 'seal' in made ? made.seal : sealOf(path, number, [text]);
      const envelope = JSON.stringify({ sha256: sha256Hex(Buffer.from(text)), seal, state });
      await write(`${path}/${number}.json`, envelope);
    },
    async page(path: string, project: string, made: Made = {}) {
      const header = JSON.stringify({ number: made.number ?? 1, project });
      const body = '<html></html>';
      const seal = 'seal' in made ? made.seal : sealOf(path, made.number ?? 1, [`${header}\n`, body]);
      const sha256 = sha256Hex(Buffer.from(`${header}\n${body}`));
      await write(
        path,
        `{"header":${header},"sha256":"${sha256}"${seal === undefined ? '' : `,"seal":"${seal}"`}}\n${body}`,
      );
    },
    /** What is wrong with each piece that does not hold; empty for one that does. */
    async judged({ sealKey = KEY as Buffer | undefined, lowest = 0, ops = nodeFileOps as FileOps } = {}) {
      const former = new FormerIndex({ ops, directory: root, index: 'main', sealKey, lowest });
      const told = new Map<string, string>();
      for (const { path, verdict, why } of (await all(former.items())) as FormerItem[])
        told.set(path, verdict === 'holds' ? '' : `${verdict}: ${why}`);
      return told;
    },
  };
}

type Directory = Awaited<ReturnType<typeof directory>>;

/** Facts, the pins and the page of a project, and the record of all of them. */
async function whole(): Promise<Directory> {
  const made = await directory();
  await made.state('index', { evidence: 'index' });
  await made.state(ALPHA, { project: 'alpha' });
  await made.page(PAGE, 'alpha');
  await census(made);
  return made;
}

async function census({ state }: Directory, least = 1): Promise<void> {
  await state('census/00', [
    ['index', 1],
    [ALPHA, least],
    [PAGE, 1],
  ]);
  await state('census/top', [['00', 1]]);
}

describe('a piece of layout 1', () => {
  it('holds where its seal does, and the sealed record knows no newer one', async () => {
    expect(await (await whole()).judged()).toEqual(
      new Map([
        ['index', ''],
        [ALPHA, ''],
        [PAGE, ''],
      ]),
    );
  });

  it.each<readonly [string, (made: Directory) => Promise<unknown>, string, string]>([
    ['is cut short', ({ write }) => write(`${ALPHA}/1.json`, '{'), ALPHA, 'lost: is damaged'],
    ['is a page cut short', ({ write }) => write(PAGE, '{'), PAGE, 'lost: is damaged'],
    [
      'is of another project',
      ({ state }) => state(ALPHA, { project: 'beta' }),
      ALPHA,
      'lost: belongs to another project',
    ],
    ['is of no project', ({ state }) => state(ALPHA, {}), ALPHA, 'lost: belongs to another project'],
    ['is the page of another project', ({ page }) => page(PAGE, 'beta'), PAGE, 'lost: belongs to another project'],
    [
      'carries no seal',
      ({ state }) => state(ALPHA, { project: 'alpha' }, { seal: undefined }),
      ALPHA,
      'whole: carries no seal, although a seal key is configured',
    ],
    [
      'carries the seal of another',
      ({ state }) => state(ALPHA, { project: 'alpha' }, { seal: sealOf(PAGE, 1, ['x']) }),
      ALPHA,
      'whole: carries a seal that does not fit',
    ],
    ['is older than the record knows', (made) => census(made, 2), ALPHA, 'older: is older than it was'],
    [
      'is known to the record and not there',
      ({ state }) => state('census/00', [[placeOf('pins', 'gone'), 1]]),
      placeOf('pins', 'gone'),
      'lost: is missing',
    ],
  ])('that %s is judged so', async (_, harm, path, expected) => {
    const made = await whole();
    await harm(made);
    expect((await made.judged()).get(path)).toBe(expected);
  });

  it('is not called damaged by a disk that is busy', async () => {
    const made = await whole();
    const ops: FileOps = {
      ...nodeFileOps,
      openRead: (path) => (path.endsWith(PAGE) ? Promise.reject(systemError('EMFILE')) : nodeFileOps.openRead(path)),
    };
    await expect(made.judged({ ops })).rejects.toMatchObject({ code: 'EMFILE' });
  });
});

describe('the sealed record of layout 1', () => {
  it.each<readonly [string, (made: Directory) => Promise<unknown>, string]>([
    ['whose top is damaged', ({ write }) => write('census/top/1.json', '{'), 'is damaged'],
    ['of which a sheet is damaged', ({ write }) => write('census/00/1.json', '{'), 'is damaged'],
    [
      'of which a sheet is missing',
      ({ state }) =>
        state('census/top', [
          ['00', 1],
          ['01', 1],
        ]),
      'is missing',
    ],
    [
      'of which a sheet is older than its top says',
      ({ state }) => state('census/top', [['00', 2]]),
      'is older than it was',
    ],
  ])('%s is not believed', async (_, harm, why) => {
    const made = await whole();
    await harm(made);
    expect((await made.judged()).get('census')).toBe(`lost: ${why}`);
  });

  it('is missed where nothing is left at all, and something was', async () => {
    const made = await directory();
    expect(await made.judged()).toEqual(new Map());
    expect(await made.judged({ lowest: 1 })).toEqual(new Map([['census', 'lost: is missing']]));
  });
});

it('a line of a record that is longer than any that is read is passed over, as one is that is torn', async () => {
  const folder = await scratch();
  const long = JSON.stringify({ text: 'a'.repeat(LINE_BYTES) });
  await writeFile(join(folder, '1.jsonl'), `{"at":1}\n${long}\n\n{"at":\n{"at":2}\n`);
  expect(await all(formerLines(nodeFileOps, folder))).toEqual(['{"at":1}', '{"at":2}']);
});
