import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createProgram } from '../../../src/cli/program.ts';
import { who } from '../../../src/cli/records/who.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { createAccessRecord } from '../../../src/disk/records/access-record.ts';
import { reasonOf } from '../../support/client.ts';
import { withState } from '../../support/state.ts';

// Who has it, by project, version, file and digest.

const DAY = 86_400;
const fetched = (file: string, at: number, client = '10.0.0.1') => {
  const [project = ''] = file.split('-');
  return { at, client, index: 'main', project, file, sha256: 'a'.repeat(64) };
};

let scratch: string;
let data: string;
let said: string[];
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'verbatim-who-'));
  data = join(scratch, 'data');
  said = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  await withState(data, async (_, { databases }) => {
    const access = createAccessRecord(databases.records);
    await access.record(fetched('demo-1.0-py3-none-any.whl', DAY));
    await access.record(fetched('demo-1.0-py3-none-any.whl', DAY + 5));
    await access.record(fetched('demo-2.0.tar.gz', 3 * DAY, '10.0.0.2'));
    await access.record(fetched('other-1.0.tar.gz', 3 * DAY, '=HYPERLINK("x"),10'));
    await access.close();
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(scratch, { recursive: true });
});

const config = () => loadConfig({ env: {}, flags: { upstream: 'https://index.example/simple/', data } });
const NOTHING = {
  what: undefined,
  version: undefined,
  affected: undefined,
  since: undefined,
  index: undefined,
  records: [],
};
const clients = async (over: Partial<Parameters<typeof who>[1]>) => {
  said = [];
  await who(config(), { ...NOTHING, form: 'json', ...over });
  return (JSON.parse(said.join('')) as { client: string; count: number }[]).map(
    ({ client, count }) => `${client} ${count}`,
  );
};

describe('verbatim who', () => {
  it('answers for a project, a version in any spelling, a file and a digest, since a time and of an index', async () => {
    expect(await clients({ what: 'Demo' })).toEqual(['10.0.0.1 2', '10.0.0.2 1']);
    expect(await clients({ what: 'demo', version: 'v1' })).toEqual(['10.0.0.1 2']);
    expect(await clients({ what: 'demo-2.0.tar.gz' })).toEqual(['10.0.0.2 1']);
    expect(await clients({ what: `sha256:${'A'.repeat(64)}` })).toHaveLength(3);
    expect(await clients({ what: 'demo', since: DAY + 5 })).toHaveLength(2);
    expect(await clients({ what: 'demo', since: DAY + 6 })).toEqual(['10.0.0.2 1']);
    expect(await clients({ what: 'demo', index: 'another' })).toEqual([]);
  });

  it('counts what another directory has beside its own', async () => {
    const other = join(scratch, 'other');
    await withState(other, async (_, { databases }) => {
      const access = createAccessRecord(databases.records);
      await access.record(fetched('demo-1.0-py3-none-any.whl', 2 * DAY, '10.0.0.9'));
      await access.close();
    });
    expect(await clients({ what: 'demo', version: '1.0', records: [other, data] })).toEqual([
      '10.0.0.1 2',
      '10.0.0.9 1',
    ]);
  });

  it('writes tables in which nothing is a formula', async () => {
    await who(config(), { ...NOTHING, what: 'other', form: 'csv' });
    expect(said.join('').trim().split('\n').at(-1)).toBe(
      `1970-01-04T00:00:00Z,1970-01-04T00:00:00Z,1,"'=HYPERLINK(""x""),10",,main,other,1.0,other-1.0.tar.gz,${'a'.repeat(64)},${data}`,
    );
  });

  it('is refused where nothing is named, or two things', async () => {
    for (const over of [{}, { what: 'demo', affected: 'x.json' }])
      expect(await reasonOf(who(config(), { ...NOTHING, form: 'text', ...over }))).toBe('format');
  });

  it('ends as a failure where nobody has it', async () => {
    const failures: string[] = [];
    const run = async (...words: readonly string[]) => {
      const program = createProgram(() => void failures.push(words.join(' ')), 'who');
      await program.parseAsync(['node', 'verbatim', 'who', ...words, '--data', data]);
    };
    await run('demo');
    await run('nothing');
    expect(failures).toEqual(['nothing']);
    expect(said.join('')).toContain('Nobody, as far back as the access record goes.');
  });
});
