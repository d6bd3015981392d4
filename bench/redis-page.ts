import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { sha256Hex } from '../src/bytes/digest.ts';
import type { IndexFile } from '../src/repository/index-pages.ts';
import { startUpstream } from '../test/support/upstream.ts';
import { ask, JSON_PAGE } from './support/ask.ts';
import { rootOf, smallIndex, startMirror, withDirectory } from './support/index.ts';
import { type Mirror, serve } from './support/mirror.ts';
import { freePort, start, untilListens } from './support/processes.ts';
import { atMost, type Log, type Measure, median, milliseconds, type Row } from './support/table.ts';
import { serveIndex } from './support/unsigned.ts';

const PROJECTS = 500;
/** So many that a page is 24 KB of JSON, as most are. */
const FILES = 51;
/** Pages that a replica has answered before: node goes on compiling its program for so long, and the first hundred take three times the CPU of the fourth. */
const WARM_UP = 300;

/** A page that another replica had: a replica with an empty data directory answers it from Redis, proved, pinned and drawn. */
export const redisPage: Measure = async (log) => {
  const port = await freePort();
  const redis = start('redis-server', [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
  ]);
  try {
    await untilListens(port, 100);
    return [await signed(port, log), await unsigned(port, log)];
  } finally {
    await redis.stop();
  }
};

async function signed(port: number, log: Log): Promise<Row> {
  const index = smallIndex();
  for (let project = 0; project < PROJECTS; project++)
    for (let file = 0; file < FILES; file++) index.upload(nameOf(project), wheelOf(project, file));
  index.publish();
  const upstream = await startUpstream({ files: index.repository.files, etags: false });
  try {
    const sealed = sealing();
    const replica = (directory: string) =>
      startMirror(directory, upstream.url, rootOf(index), { more: [...sealed(directory), ...redisAt(port)] });
    return await taken('of a signed index', replica, log);
  } finally {
    await upstream.close();
  }
}

async function unsigned(port: number, log: Log): Promise<Row> {
  const files = new Map<string, Uint8Array>();
  for (let project = 0; project < PROJECTS; project++)
    files.set(`simple/${nameOf(project)}/`, Buffer.from(JSON.stringify(pageOf(project))));
  const upstream = await serveIndex(files);
  try {
    const sealed = sealing();
    const from = ['--upstream', `${upstream.url}simple/`, '--max-age', '86400'];
    const replica = (directory: string) => serve(directory, [...from, ...sealed(directory), ...redisAt(port)]);
    return await taken('of an index that signs nothing', replica, log);
  } finally {
    await upstream.close();
  }
}

/** One seal key for all replicas, as a fleet has it: what one has drawn the others serve. */
function sealing(): (directory: string) => readonly string[] {
  const key = randomBytes(32).toString('base64');
  return (directory) => {
    const file = join(directory, 'seal.key');
    writeFileSync(file, key, { mode: 0o600 });
    return ['--seal-key-file', file];
  };
}

const redisAt = (port: number) => ['--redis', `redis://127.0.0.1:${port}/0`];

/** One replica has asked upstream for all; another asks Redis for them, one after the other. */
async function taken(what: string, replica: (directory: string) => Promise<Mirror>, log: Log): Promise<Row> {
  log(`redis-page: ${what}`);
  const upstream = await withDirectory((directory) => timesOf(replica, directory));
  const redis = await withDirectory((directory) => timesOf(replica, directory));
  return atMost(
    `page of 24 KB ${what}, which another replica had, on one that begins with nothing: p50`,
    median(redis),
    3,
    milliseconds,
    `from upstream on loopback ${milliseconds(median(upstream))}`,
  );
}

/** Of each page, asked for once by one client. */
async function timesOf(replica: (directory: string) => Promise<Mirror>, directory: string): Promise<readonly number[]> {
  const mirror = await replica(directory);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const times: number[] = [];
    for (let project = 0; project < PROJECTS; project++) {
      const begun = performance.now();
      await ask(`${mirror.url}simple/${nameOf(project)}/`, JSON_PAGE, agent);
      times.push(performance.now() - begun);
    }
    return times.slice(WARM_UP);
  } finally {
    agent.destroy();
    await mirror.stop();
  }
}

const nameOf = (project: number) => `project-${project}`;

function wheelOf(project: number, file: number): IndexFile {
  return {
    filename: `project_${project}-${file}.0.0-py3-none-any.whl`,
    bytes: Buffer.from(`file ${file} of ${project}`),
    requiresPython: '>=3.9',
    uploadTime: '2026-01-31T12:00:00.000000Z',
    coreMetadata: Buffer.from(`metadata ${file} of ${project}`),
  };
}

function pageOf(project: number): object {
  const files = Array.from({ length: FILES }, (_, at) => {
    const { filename, bytes, coreMetadata } = wheelOf(project, at);
    return {
      filename,
      url: `https://files.example/packages/${filename}`,
      hashes: { sha256: sha256Hex(bytes) },
      size: bytes.byteLength,
      'requires-python': '>=3.9',
      'upload-time': '2026-01-31T12:00:00.000000Z',
      yanked: false,
      'core-metadata': { sha256: sha256Hex(coreMetadata ?? bytes) },
    };
  });
  return { meta: { 'api-version': '1.1' }, name: nameOf(project), files };
}
