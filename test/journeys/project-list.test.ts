import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { internalCaller } from '../../src/async/caller.ts';
import { type IndexRig, type IndexRigOptions, startIndexRig } from '../rigs/index-rig.ts';
import { JSON_PAGE } from '../rigs/mirror.ts';
import { RIGS, type Rig } from '../rigs/rig.ts';
import { DAY } from '../support/clock.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// The list of all projects lies on disk: it is there after a start, whether or not upstream is.

const ALPHA = tinyWheel('alpha');
const BETA = tinyWheel('beta');
const LIST = '/simple/';
const FORMS = [JSON_PAGE, 'text/html'];
const CODINGS = ['identity', 'gzip', 'zstd'];

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const start = async (options: IndexRigOptions = {}): Promise<IndexRig> => {
  const fill = options.fill ?? ((pypi) => pypi.upload('alpha', ALPHA));
  const rig = await startIndexRig({ ...options, fill });
  ends.push(rig.close);
  return rig;
};
const listed = (rig: Rig | IndexRig, accept = JSON_PAGE, coding = 'identity', headers = {}) =>
  rig.get(LIST, { headers: { accept, 'accept-encoding': coding, ...headers } });
const namesIn = (body: Buffer): readonly string[] =>
  JSON.parse(String(body)).projects.map(({ name }: { readonly name: string }) => name);
const plainOf = (coding: string, body: Buffer) =>
  coding === 'gzip' ? gunzipSync(body) : coding === 'zstd' ? zstdDecompressSync(body) : body;
async function namesByJob(rig: IndexRig): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const name of rig.index().projects(internalCaller('main', 'sync'))) names.push(name);
  return names;
}

describe.each(RIGS)('the list of an index with evidence $evidence', ({ start: begin }) => {
  const all = async (rig: Rig) => {
    const answers = [];
    for (const accept of FORMS)
      for (const coding of CODINGS) {
        const { status, headers, body } = await listed(rig, accept, coding);
        answers.push({ status, etag: headers.etag, type: headers['content-type'], body });
      }
    return answers;
  };

  it('is the same after a restart without upstream, in each form and coding', async () => {
    const rig = await begin({ files: [ALPHA, BETA] });
    ends.push(rig.close);
    const before = await all(rig);
    expect(before.map(({ status }) => status)).toEqual(before.map(() => 200));
    expect(namesIn(before[0]?.body ?? expect.fail()).toSorted()).toEqual(['alpha', 'beta']);
    await rig.goOffline();
    const requests = rig.requests();
    expect(await all(rig)).toEqual(before);
    expect(rig.requests()).toBe(requests);
  });
});

describe('the list of an index that signs nothing', () => {
  it('is asked for by its tag after a restart, and as it was until then', async () => {
    const rig = await start();
    await listed(rig);
    await rig.restart();
    expect(namesIn((await listed(rig)).body)).toEqual(['alpha']);
    const asked = () => rig.pypi.index.asked(LIST);
    expect(asked()).toHaveLength(1);
    rig.pypi.upload('beta', BETA);
    rig.clock.advance(DAY);
    expect(namesIn((await listed(rig)).body)).toEqual(['alpha']);
    await expect.poll(async () => namesIn((await listed(rig)).body), { interval: 5 }).toEqual(['alpha', 'beta']);
    expect(asked()[1]?.headers['if-none-match']).toBeDefined();
    await rig.goOffline();
    expect(namesIn((await listed(rig)).body)).toEqual(['alpha', 'beta']);
  });

  it('stands in after a restart while upstream is away, as long as a page does', async () => {
    const rig = await start({ index: { staleIfError: DAY } });
    await listed(rig);
    rig.pypi.index.fault(LIST, { kind: 'status', status: 502 });
    await rig.restart();
    rig.clock.advance(DAY);
    expect(namesIn((await listed(rig)).body)).toEqual(['alpha']);
    rig.clock.advance(DAY);
    expect(await rig.refused(LIST)).toBe('503 unreachable');
  });

  it('is not passed on any more where it is configured so', async () => {
    const index: { projectList?: boolean } = {};
    const rig = await start({ index });
    expect((await listed(rig)).status).toBe(200);
    index.projectList = false;
    await rig.restart();
    expect(await rig.refused(LIST)).toBe('501 policy');
  });

  it('of another upstream is not this one’s, and its tag is not sent there', async () => {
    const index: { upstream?: string } = {};
    const rig = await start({ index });
    await listed(rig);
    const other = await start({ fill: (pypi) => pypi.upload('beta', BETA) });
    index.upstream = `${other.pypi.url}simple/`;
    await rig.restart('it moved');
    expect(namesIn((await listed(rig)).body)).toEqual(['beta']);
    expect(other.pypi.index.asked(LIST).map(({ headers }) => headers['if-none-match'])).toEqual([undefined]);
  });

  it('is served where nothing can be stored', async () => {
    const rig = await start({ stateBytes: 1 });
    expect(namesIn((await listed(rig)).body)).toEqual(['alpha']);
    expect(namesIn((await listed(rig)).body)).toEqual(['alpha']);
  });
});

describe('a list that memory has no room for', () => {
  const COUNT = 150_000;
  const NAMES = Array.from({ length: COUNT }, (_, at) => `p${((at * 2_654_435_761) % 2 ** 32).toString(36)}-${at}`);
  const BYTES = Buffer.from(
    JSON.stringify({ meta: { 'api-version': '1.1' }, projects: NAMES.map((name) => ({ name })) }),
  );
  const large = async () => {
    const directory = await mkdtemp(join(tmpdir(), 'verbatim-list-'));
    ends.push(() => rm(directory, { recursive: true }));
    const seal = { key: join(directory, 'seal.key'), epoch: join(directory, 'epoch') };
    await writeFile(seal.key, 'a secret of more than sixteen bytes');
    const rig = await start({ seal });
    rig.pypi.index.fault(LIST, { kind: 'replace', bytes: BYTES });
    return rig;
  };
  const results = ({ events }: IndexRig) => events.cached.map(({ result }) => result);

  it('is found on disk as it was drawn, comes whole in each form and coding, and is read by jobs', async () => {
    const rig = await large();
    await listed(rig);
    await rig.goOffline();
    for (const coding of CODINGS) {
      const json = await listed(rig, JSON_PAGE, coding);
      expect(namesIn(plainOf(coding, json.body))).toEqual(NAMES);
      const html = plainOf(coding, (await listed(rig, 'text/html', coding)).body).toString('latin1');
      expect(html.match(/<a href=/g)).toHaveLength(COUNT);
    }
    expect(await namesByJob(rig)).toEqual(NAMES);
    expect(results(rig)).toEqual(['miss', 'hit']);
  });

  it('says its length, answers HEAD, and is not sent again to whoever has it', async () => {
    const rig = await large();
    const { headers, body } = await listed(rig, 'text/html');
    expect(Number(headers['content-length'])).toBe(body.byteLength);
    const head = await rig.get(LIST, { method: 'HEAD', headers: { accept: 'text/html' } });
    expect([head.status, head.headers['content-length'], head.body.byteLength]).toEqual([
      200,
      headers['content-length'],
      0,
    ]);
    const again = await listed(rig, 'text/html', 'identity', { 'if-none-match': headers.etag });
    expect([again.status, again.headers.etag]).toEqual([304, headers.etag]);
  });
});
