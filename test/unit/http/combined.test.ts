import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { makeUnverifiedDocument } from '../../../src/bytes/unverified.ts';
import type { Finished } from '../../../src/http/exchange.ts';
import { createListener } from '../../../src/http/listener.ts';
import { type RunningServer, startServer } from '../../../src/http/server.ts';
import { CombinedIndex } from '../../../src/mirror/combined-index.ts';
import type { PackageIndex } from '../../../src/mirror/package-index.ts';
import { workHere } from '../../../src/ports/page-work.ts';
import { ask } from '../../support/ask.ts';
import { createStillIndex, type StillFile, type StillIndex } from '../../support/still-index.ts';
import { STILL_PEOPLE } from '../../support/still-people.ts';
import { bytesOf, J } from './serving.ts';

// One address over a private index and a public one that has namesakes of what is private.

const file = (project: string, seed: number, more: Partial<StillFile> = {}): StillFile => ({
  project,
  filename: `${project.replaceAll('-', '_')}-1.0-py3-none-any.whl`,
  bytes: bytesOf(1000, seed),
  ...more,
});

/** `acme-lib` and `shared` are of both. `acme-lost` is of the public one alone, though the name is owned by the private one. */
const PRIVATE = [file('acme-lib', 1), file('shared', 2, { plain: true }), file('only-private', 3)];
const PUBLIC = [
  file('acme-lib', 11),
  file('shared', 12, { plain: true }),
  file('acme-lost', 13),
  file('requests', 14),
  { ...file('acme', 15), filename: 'acme-lib-1.0.tar.gz' },
  { ...file('requests', 16), filename: 'requests-acme-1.0.tar.gz' },
];

const OUTAGE = new Refusal('unreachable', 'The private index cannot be reached.', { subject: 'page' });

function documentsOf(name: string) {
  const document = async (about: string) =>
    makeUnverifiedDocument({
      bytes: Buffer.from(JSON.stringify({ name, about })),
      contentType: 'application/json',
      maxAge: 60,
    });
  const nothing = async (): Promise<never> => {
    throw new Refusal('unlisted', 'The index has no such document.', { subject: 'request' });
  };
  return {
    legacyJson: (project: string) => document(project),
    provenance: (project: string) => document(project),
    provenanceOf: nothing,
    variants: (project: string) => document(project),
    signature: (path: string, _: unknown, of?: string) => document(`${path} of ${of}`),
    relay: nothing,
  };
}

let own: StillIndex;
let open: StillIndex;
let server: RunningServer;
const finished: Finished[] = [];
/** Names that the public index was asked for in any way. */
const asked: string[] = [];

/** The public index, with what it is asked for written down. */
function watched(index: StillIndex['index']): StillIndex['index'] {
  return {
    ...index,
    warmPage(project, choice) {
      asked.push(project);
      return index.warmPage(project, choice);
    },
    page(project, caller) {
      asked.push(project);
      return index.page(project, caller);
    },
    has(project, caller) {
      asked.push(project);
      return index.has(project, caller);
    },
    file(at, caller) {
      asked.push('path' in at ? (at.of ?? at.path) : at.project);
      return index.file(at, caller);
    },
  };
}

beforeAll(async () => {
  own = await createStillIndex({
    name: 'private',
    evidence: 'index',
    files: PRIVATE,
    unverified: documentsOf('private'),
  });
  open = await createStillIndex({ name: 'pypi', files: PUBLIC, unverified: documentsOf('pypi') });
  const members = [
    { index: own.index as Pick<PackageIndex, 'name' | 'list'>, owned: ['acme-*', 'requests-acme'] },
    { index: open.index as Pick<PackageIndex, 'name' | 'list'>, owned: ['requests'] },
  ];
  server = await startServer({
    listener: createListener({
      indexes: [{ index: own.index, cors: false, shared: false }, { index: watched(open.index) }],
      combined: [new CombinedIndex({ name: 'all', members, work: workHere })],
      defaultIndex: 'all',
      publicUrl: () => 'https://mirror.example',
      people: STILL_PEOPLE,
      onFinish: (record) => finished.push(record),
    }),
    host: '127.0.0.1',
    port: 0,
    limits: { grace: 200 },
  });
});

afterAll(async () => {
  await server.close();
  await own.close();
  await open.close();
});

beforeEach(() => {
  for (const still of [own, open]) {
    still.warm = true;
    still.refusal = undefined;
  }
  finished.length = 0;
  asked.length = 0;
});

const get = (path: string, headers: Record<string, string> = { accept: J }) => ask(server.url, path, { headers });

async function filesOf(project: string) {
  const answer = await get(`/all/simple/${project}/`);
  const page = answer.status === 200 ? JSON.parse(answer.body.toString()) : undefined;
  return { answer, files: page?.files as { filename: string; url: string; hashes: { sha256: string } }[] | undefined };
}

describe.each([
  ['pages at hand', true, true],
  ['pages that are waited for', false, false],
  ['the first one’s pages not at hand', false, true],
  ['the last one’s pages not at hand', true, false],
])('one address over several indexes, %s', (_, first, last) => {
  beforeEach(() => {
    own.warm = first;
    open.warm = last;
  });

  it('the first index that has a name has it whole, under its own policy and its own name in the log', async () => {
    const { answer, files } = await filesOf('shared');
    expect(answer.status).toBe(200);
    expect(answer.headers['verbatim-evidence']).toBe('index');
    expect(answer.headers['cache-control']).toMatch(/^private/);
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    expect(files).toHaveLength(1);
    const direct = await get('/private/simple/shared/');
    expect(answer.body.equals(direct.body)).toBe(true);
    expect(finished.map(({ index, status }) => `${index} ${status}`)).toEqual(['private 200', 'private 200']);
    expect(asked).toEqual([]);
  });

  it('a name that the first provably does not have is the next one’s', async () => {
    const answer = await get('/all/simple/acme/');
    expect(answer.status).toBe(200);
    expect(answer.headers['verbatim-evidence']).toBe('tuf');
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(finished[0]?.index).toBe('pypi');
  });

  it('a name that is owned never goes further, though its owner does not have it and another does', async () => {
    const { answer } = await filesOf('acme-lost');
    expect(answer.status).toBe(404);
    expect(finished[0]).toMatchObject({ index: 'private', reason: 'unlisted' });
    expect(asked).toEqual([]);
    expect((await get('/pypi/simple/acme-lost/')).status).toBe(200);
  });

  it('a name that the last one owns is not asked for of those before it', async () => {
    own.refusal = OUTAGE;
    expect((await get('/all/simple/requests/')).status).toBe(200);
  });

  it('an outage of the first is an outage, and nobody else is asked', async () => {
    const known = (await filesOf('acme')).answer;
    expect(known.status).toBe(200);
    asked.length = 0;
    own.refusal = OUTAGE;
    for (const project of ['acme-lib', 'shared', 'acme', 'acme-lost', 'nobody-has-it']) {
      const { answer } = await filesOf(project);
      expect(answer.status, project).toBe(503);
    }
    expect(asked).toEqual([]);
    expect(finished.slice(1).map(({ index }) => index)).toEqual(Array(5).fill('private'));
  });

  it('whatever else the first refuses is no absence either', async () => {
    for (const reason of ['policy', 'expired', 'limit', 'format', 'offline', 'state', 'forbidden'] as const) {
      own.refusal = new Refusal(reason, 'Not now.', { subject: 'page' });
      const { answer } = await filesOf('acme');
      expect(answer.status, reason).toBeGreaterThanOrEqual(400);
      expect(answer.status, reason).not.toBe(404);
    }
    expect(asked).toEqual([]);
  });

  it('what nobody has is absent', async () => {
    const { answer } = await filesOf('nobody-has-it');
    expect(answer.status).toBe(404);
    expect(finished[0]?.index).toBe('pypi');
  });
});

describe('files of one address over several indexes', () => {
  it('links of its pages lead to its own addresses, and to the bytes of whoever has the project', async () => {
    for (const [project, bytes] of [
      ['acme-lib', PRIVATE[0]?.bytes],
      ['shared', PRIVATE[1]?.bytes],
      ['requests', PUBLIC[3]?.bytes],
    ] as const) {
      const { files } = await filesOf(project);
      for (const base of ['/all', '/root/pypi', '']) {
        const at = new URL(files?.[0]?.url ?? '', `http://mirror.example${base}/simple/${project}/`).pathname;
        expect(at.startsWith(`${base}/`)).toBe(true);
        const answer = await get(at);
        expect(answer.status, at).toBe(200);
        expect(answer.body.equals(bytes ?? Buffer.alloc(0)), at).toBe(true);
      }
    }
    expect(asked).not.toContain('acme-lib');
    expect(asked).not.toContain('shared');
  });

  it('a file of a public namesake is not had by its address', async () => {
    for (const { filename } of [PUBLIC[0], PUBLIC[1], PUBLIC[2]].filter((each) => each !== undefined)) {
      const path = open.pathOf(filename);
      expect((await get(`/pypi/${path}`)).status, path).toBe(200);
      asked.length = 0;
      expect((await get(`/all/${path}`)).status, path).toBe(404);
      expect(asked, path).toEqual([]);
    }
  });

  it('nor while the private index is away', async () => {
    own.refusal = OUTAGE;
    for (const { filename } of PUBLIC.slice(0, 3)) {
      const answer = await get(`/all/${open.pathOf(filename)}`);
      expect(answer.status).toBe(503);
    }
    expect(asked).toEqual([]);
  });

  it('a name that could be two projects’ is looked for at the owner of each, by that name alone', async () => {
    // acme-lib 1.0, or lib-1.0 of acme: the public index lists it on the page of acme.
    const answer = await get(`/all/${open.pathOf('acme-lib-1.0.tar.gz')}`);
    expect(answer.status).toBe(200);
    expect(finished[0]?.index).toBe('pypi');
    expect(asked).not.toContain('acme-lib');
  });
});

describe('a file whose name could be two projects’', () => {
  it('is not had where the one that is held cannot be asked, and the other does not have it', async () => {
    const at = `/all/${open.pathOf('requests-acme-1.0.tar.gz')}`;
    expect((await get(at)).status).toBe(200);
    // Not known to lack it: so it is asked.
    own.warm = false;
    open.refusal = OUTAGE;
    expect((await get(at)).status).toBe(503);
  });
});

describe('everything else of one address over several indexes', () => {
  it('lists what its members list, each name once, and none that another one owns', async () => {
    for (const base of ['/all', '']) {
      const answer = await get(`${base}/simple/`);
      const { projects } = JSON.parse(answer.body.toString()) as { projects: { name: string }[] };
      expect(projects.map(({ name }) => name)).toEqual(['acme-lib', 'shared', 'only-private', 'requests', 'acme']);
      expect(answer.headers['verbatim-evidence']).toBe('none');
      expect(answer.headers['cache-control']).toMatch(/^private/);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('documents that nothing vouches for come from the owner alone', async () => {
    const whose = async (path: string) => JSON.parse((await get(path, {})).body.toString()) as unknown;
    expect(await whose('/all/pypi/Acme.Lib/json')).toEqual({ name: 'private', about: 'acme-lib' });
    expect(await whose('/all/pypi/acme/json')).toEqual({ name: 'pypi', about: 'acme' });
    expect(await whose('/all/integrity/shared/1.0/x.whl/provenance')).toMatchObject({ name: 'private' });
    const { filename } = file('acme-lost', 13);
    expect(await whose(`/all/${open.pathOf(filename)}.asc`)).toEqual({
      name: 'private',
      about: `${open.pathOf(filename)} of acme-lost`,
    });
    own.refusal = OUTAGE;
    expect((await get('/all/pypi/acme/json')).status).toBe(503);
  });

  it('what a member signs stays at the member’s own address', async () => {
    const answer = await get('/all/tuf/metadata/timestamp.json');
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body.toString()).detail).toContain('its own address');
  });

  it('pages for people are those of the member that answers', async () => {
    const where = async (path: string) => {
      const { headers } = await ask(server.url, path, { headers: { accept: 'text/html' } });
      return headers.location && new URL(headers.location, `http://mirror.example${path}`).pathname;
    };
    expect(await where('/all/project/shared/')).toBe('/private/project/shared/');
    expect(await where('/all/project/acme/')).toBe('/pypi/project/acme/');
    expect(await where('/project/acme-lost/')).toBe('/private/project/acme-lost/');
    expect(await where(`/all/why/${PUBLIC[3]?.filename}`)).toBe(`/pypi/why/${PUBLIC[3]?.filename}`);
    expect(await where('/all/')).toBe('/');
    expect(await where('/all/project/')).toBe('/');
    expect(await where('/all/events')).toBe('/events');
  });

  it('a name that is written otherwise is redirected below the same address', async () => {
    const answer = await get('/all/simple/Acme_Lib');
    expect(answer.status).toBe(301);
    expect(answer.headers.location).toBe('acme-lib/');
  });
});
