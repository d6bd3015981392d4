import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createClock } from '../support/clock.ts';
import { createSimulator } from '../support/simulator.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';
import { type RunningVerbatim, startVerbatim } from '../support/verbatim.ts';

// One server in a heap of 512 MB, before an index that sends whatever is largest below each limit of bytes.

const MiB = 1024 * 1024;
const SMALL_HEAP = { env: { NODE_OPTIONS: '--max-old-space-size=512' } };

const JSON_TYPE = 'application/vnd.pypi.simple.v1+json';
const SHA256 = 'ab'.repeat(32);
const head = (project: string) => `{"meta":{"api-version":"1.1"},"name":"${project}"`;
const wheel = (project: string, build: string | number = 0, end = '') =>
  `{"filename":"${project}-1.0-${build}-py3-none-any.whl","url":"f/${build}","hashes":{"sha256":"${SHA256}"}${end}}`;
const page = (project: string) => `${head(project)},"files":[${wheel(project)}]`;

/** `begin`, the same piece again and again up to so many bytes, and `end`. */
function repeated(most: number, begin: string, piece: string, end: string): Buffer {
  const times = Math.floor((most - begin.length - end.length) / piece.length);
  return Buffer.concat([Buffer.from(begin), Buffer.alloc(times * piece.length, piece), Buffer.from(end)]);
}

/** The same of pieces that differ; at most so many of them. */
function numbered(most: number, count: number, begin: string, piece: (at: number) => string, end: string): Buffer {
  const bytes = Buffer.alloc(most);
  let size = bytes.write(begin);
  for (let at = 0; at < count; at++) {
    const next = piece(at);
    if (size + next.length + end.length > most) break;
    size += bytes.write(next, size, 'latin1');
  }
  return bytes.subarray(0, size + bytes.write(end, size));
}

const PAGE = 32 * MiB - 1;
const LIST = 125_000_000;
/** Of all of a process, with what lies outside its heap. */
const MOST_MIB = 1100;
const comma = (at: number) => (at === 0 ? '' : ',');

/** Made when they are asked for: all of them together are half a gigabyte. */
const PAGES: Readonly<Record<string, () => Buffer>> = {
  calm: () => Buffer.from(`${page('calm')}}`),
  objects: () => repeated(PAGE, `${page('objects')},"z":[{}`, ',{}', ']}'),
  again: () => repeated(PAGE, `${page('again')},"z":[{}`, ',{}', ']}'),
  keys: () => numbered(PAGE, Infinity, page('keys'), (at) => `,"k${at}":"${'x'.repeat(40)}"`, '}'),
  shapes: () => numbered(PAGE, 300_000, `${page('shapes')},"z":[`, (at) => `${comma(at)}{"a${at}":1,"b${at}":2}`, ']}'),
  versions: () => repeated(PAGE, `${page('versions')},"versions":[""`, ',""', ']}'),
  deep: () => repeated(PAGE, `${page('deep')},"z":[[]`, `,${'['.repeat(25)}${']'.repeat(25)}`, ']}'),
  string: () => repeated(PAGE, `${page('string')},"z":"`, 'x', '"}'),
  tags: () => repeated(PAGE, '<!DOCTYPE html>', '<a href=x>', ''),
  attributes: () => numbered(PAGE, Infinity, '<!DOCTYPE html><a href=x', (at) => ` a${at}`, '>'),
  comment: () => repeated(PAGE, '<!DOCTYPE html><!--', 'x', ''),
  files: () =>
    numbered(
      PAGE,
      99_000,
      `${head('files')},"files":[`,
      (at) => comma(at) + wheel('files', at, `,"n":{"k${at}":[1,2]}`),
      ']}',
    ),
  names: () =>
    numbered(
      PAGE,
      99_000,
      `${head('names')},"files":[`,
      (at) => comma(at) + wheel('names', `${at}${'x'.repeat(90)}`),
      ']}',
    ),
};

const LISTS: Readonly<Record<string, () => Buffer>> = {
  objects: () => repeated(LIST, '{"meta":{"api-version":"1.0"},"projects":[{}', ',{}', ']}'),
  names: () =>
    numbered(
      LIST,
      Infinity,
      '{"meta":{"api-version":"1.0"},"projects":[',
      (at) => `${comma(at)}{"name":"n${'x'.repeat(50)}${at}"}`,
      ']}',
    ),
  short: () =>
    numbered(
      LIST,
      1_900_000,
      '{"meta":{"api-version":"1.0"},"projects":[',
      (at) => `${comma(at)}{"name":"name-of-${at}","_last-serial":${at}}`,
      ']}',
    ),
};

function peak(pid: number): number {
  const kB = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kB) / 1024);
}

/** The status, and the reason where it is refused. */
async function get(url: string): Promise<string> {
  // Each on a connection of its own: one at rest may end while the next document is made here.
  const [response] = (await once(request(url, { agent: false, headers: { accept: JSON_TYPE } }).end(), 'response')) as [
    IncomingMessage,
  ];
  if (response.statusCode === 200) {
    for await (const _ of response);
    return '200';
  }
  return `${response.statusCode} ${JSON.parse(await text(response)).reason}`;
}

async function startIndex(list: () => Buffer): Promise<TestUpstream> {
  return startUpstream({
    handler(asked, response) {
      const [, first, project = ''] = (asked.url ?? '').split('/');
      const make = first !== 'simple' ? undefined : project === '' ? list : PAGES[project];
      const body = make?.();
      const type = body?.[0] === 0x3c ? 'text/html' : JSON_TYPE;
      response.writeHead(body === undefined ? 404 : 200, { 'content-type': type });
      response.end(body);
    },
  });
}

const closing: (() => Promise<void>)[] = [];
const closeAll = () => Promise.all(closing.splice(0).map((close) => close()));

async function startMirror(list: () => Buffer): Promise<RunningVerbatim> {
  const upstream = await startIndex(list);
  return startBefore(upstream, ['--upstream', `${upstream.url}simple/`]);
}

async function startBefore(upstream: TestUpstream, flags: readonly string[]): Promise<RunningVerbatim> {
  const mirror = await startVerbatim(flags, undefined, SMALL_HEAP);
  closing.push(async () => {
    await mirror.close();
    await upstream.close();
  });
  return mirror;
}

describe('pages of an index that signs nothing', () => {
  let mirror: RunningVerbatim;
  beforeAll(async () => {
    mirror = await startMirror(() => Buffer.from('{}'));
  });
  afterAll(closeAll);

  it.each([
    ['two of nothing but empty objects at once', ['objects', 'again'], '502 limit'],
    ['keys that nobody knows', ['keys'], '200'],
    ['objects of a hundred thousand shapes', ['shapes'], '200'],
    ['empty versions', ['versions'], '502 limit'],
    ['brackets in brackets', ['deep'], '502 limit'],
    ['one long string', ['string'], '200'],
    ['anchors', ['tags'], '502 limit'],
    ['attributes of one tag', ['attributes'], '502 limit'],
    ['one long comment, which is an empty page', ['comment'], '200'],
    ['as many files as a page may have, with a key that nobody knows', ['files'], '200'],
    ['as many files with long names, to be pinned', ['names'], '200'],
  ])('32 MiB of %s', async (_, projects, expected) => {
    const answers = await Promise.all(projects.map((project) => get(`${mirror.simple}${project}/`)));
    expect(answers).toEqual(projects.map(() => expected));
    expect(await get(`${mirror.simple}calm/`)).toBe('200');
    expect(mirror.alive()).toBe(true);
    expect(peak(mirror.pid)).toBeLessThan(MOST_MIB);
  });
});

describe('lists of all projects', () => {
  afterEach(closeAll);

  it.each([
    ['empty objects', 'objects', '502 limit'],
    ['long names', 'names', '502 limit'],
    ['two million short names', 'short', '200'],
  ])('a list of 125 MB of %s', async (_, list, expected) => {
    const mirror = await startMirror(LISTS[list] ?? (() => Buffer.alloc(0)));
    expect(await get(mirror.simple)).toBe(expected);
    expect(await get(`${mirror.simple}calm/`)).toBe('200');
    expect(peak(mirror.pid)).toBeLessThan(MOST_MIB);
  });
});

describe('targets roles of an index that signs', () => {
  afterEach(closeAll);

  const signed = (text: string) => `{"signatures":[],"signed":{"_type":"targets","x":[${text}`;

  it.each([
    ['32 MiB, of a length that nobody announced', {}, 'limit', () => repeated(32 * MiB, signed('{}'), ',{}', ']}}')],
    [
      '8 MiB of empty objects, of a length that nobody announced',
      {},
      'limit',
      () => repeated(8 * MiB - 9, signed('{}'), ',{}', ']}}'),
    ],
    [
      '64 MiB of empty objects, as announced',
      { length: 64 * MiB },
      'limit',
      () => repeated(64 * MiB, signed('{}'), ',{}', ']}}'),
    ],
    [
      '64 MiB of one string, as announced',
      { length: 64 * MiB },
      'format',
      () => repeated(64 * MiB, signed('"'), 'x', '"]}}'),
    ],
  ])('%s', async (_, announced, reason, make) => {
    const { repository, rootBytes } = createSimulator({ clock: createClock(Math.floor(Date.now() / 1000)) });
    repository.publish({ snapshot: (d) => d.meta.set('targets.json', { version: 2, ...announced }) });
    repository.files.set('metadata/2.targets.json', make());
    const directory = await mkdtemp(join(tmpdir(), 'verbatim-heap-'));
    const root = join(directory, '1.root.json');
    await writeFile(root, rootBytes(1));
    const upstream = await startUpstream({ files: repository.files });
    const mirror = await startBefore(upstream, ['--upstream', upstream.url, '--root', root, '--layout', 'plain']);
    closing.push(() => rm(directory, { recursive: true }));
    // The second time beside what the first one left.
    for (const answer of [await get(`${mirror.metadata}timestamp.json`), await get(`${mirror.metadata}timestamp.json`)])
      expect(answer).toBe(`502 ${reason}`);
    expect(mirror.alive()).toBe(true);
    expect(peak(mirror.pid)).toBeLessThan(MOST_MIB);
  });
});
