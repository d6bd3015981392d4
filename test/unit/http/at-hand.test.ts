import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { Connections } from '../../../src/http/connections.ts';
import { ClientLeft } from '../../../src/http/exchange.ts';
import { MAX_TOLD, MAX_TOLD_EACH } from '../../../src/http/limits.ts';
import { handOver } from '../../../src/http/reply/sending.ts';
import { makeFileAnswer } from '../../../src/mirror/files/file-answer.ts';
import { type Blob, makeBlob } from '../../../src/ports/blob.ts';
import { PEER_BLOBS } from '../../../src/ports/peers.ts';
import { ask, shout, statusesOf, statusOf } from '../../support/ask.ts';
import { createStillIndex } from '../../support/still-index.ts';
import { bytesOf, serve, serveForFile, WHEEL } from './serving.ts';

// A page at hand is answered before anything is routed: what is unusual about its request is told as if it were not.

const serving = serveForFile(() => ({
  files: [{ project: 'foo-bar', filename: WHEEL, bytes: bytesOf(1000), metadata: Buffer.from('Name: foo-bar\n') }],
}));
const PAGE = '/simple/foo-bar/';
const send = (text: string) => shout(serving().url, text);

describe('a page at hand', () => {
  it.each<readonly [string, string, number]>([
    ['by another method', `POST ${PAGE} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, 405],
    ['whose path has a letter more', `GET ${PAGE.slice(0, -1)}x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, 301],
    ['of no index', 'GET /other/foo-bar/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 404],
    [
      'in no form that there is',
      `GET ${PAGE} HTTP/1.1\r\nHost: a\r\nAccept: image/png\r\nConnection: close\r\n\r\n`,
      406,
    ],
    ['of a project that is not at hand', 'GET /simple/other/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 404],
    ['with two Hosts', `GET ${PAGE} HTTP/1.1\r\nHost: a\r\nHost: a\r\nConnection: close\r\n\r\n`, 400],
    ['with a Host that is none', `GET ${PAGE} HTTP/1.1\r\nHost: a!b\r\nConnection: close\r\n\r\n`, 400],
    ['in a version of HTTP that is none of ours', `GET ${PAGE} HTTP/2.0\r\nHost: a\r\nConnection: close\r\n\r\n`, 400],
  ])('asked for %s', async (_, request, status) => {
    expect(statusOf(await send(request))).toBe(status);
  });

  it('is not asked for by a name that is not normalized', async () => {
    const still = await createStillIndex();
    const asked: string[] = [];
    const warmPage = (project: string) => {
      asked.push(project);
      return undefined;
    };
    const { url, close } = await serve({ listener: { indexes: [{ index: { ...still.index, warmPage } }] } });
    for (const name of ['foo-bar', 'Foo_Bar', 'a/b', '..']) await ask(url, `/simple/${name}/`);
    expect(asked).toEqual(['foo-bar']);
    await close();
    await still.close();
  });

  it.each([
    ['a large body', 'Content-Length: 1000000000'],
    ['a body of unknown length', 'Transfer-Encoding: chunked'],
    ['an upgrade', 'Connection: Upgrade\r\nUpgrade: websocket'],
  ])('ends its connection where it came with %s', async (_, line) => {
    const request = `GET ${PAGE} HTTP/1.1\r\nHost: a\r\n${line}\r\n\r\n`;
    const heard = await shout(serving().url, request, (socket) => socket.once('data', () => socket.end()));
    expect(statusesOf(heard)).toEqual([200]);
    expect(heard.text).toContain('Connection: close');
  });
});

it('a Host that is none is refused in words, whatever is asked for', async () => {
  const heard = await send('GET /nothing HTTP/1.1\r\nHost: a!b\r\nConnection: close\r\n\r\n');
  expect([statusOf(heard), heard.text.includes('"reason"')]).toEqual([400, true]);
});

it('a file is not found at an address whose slash is escaped', async () => {
  const path = `/${serving().still.pathOf(WHEEL)}`;
  expect((await ask(serving().url, path)).status).toBe(200);
  expect((await ask(serving().url, path.replace(/\/([^/]*)$/, '%2f$1'))).status).toBe(404);
});

it('connections that are told that they are refused are so many of one address, and so many of all', () => {
  const connections = new Connections(1);
  const from = (party: number) => {
    const socket: Partial<Socket> = { remoteAddress: `10.0.0.${party}`, once: () => socket as Socket };
    return socket as Socket;
  };
  const first = from(0);
  expect(connections.admit(first)).toBe('taken');
  connections.asked(first, { writableFinished: false, destroyed: false, req: { complete: true } });
  const parties = MAX_TOLD / MAX_TOLD_EACH;
  for (let party = 1; party <= parties; party++)
    for (let told = 0; told < MAX_TOLD_EACH; told++) expect(connections.admit(from(party))).toBe('told');
  expect(connections.admit(from(parties + 1))).toBe('refused');
});

it('a part that the connection did not take is an answer that nobody has', async () => {
  const outgoing = {
    write(_: unknown, done: (error: Error) => void) {
      done(new Error('EPIPE'));
      return true;
    },
  } as object as ServerResponse;
  const notes = { route: 'file', index: undefined, reason: undefined, bytes: 0, promised: undefined } as const;
  const { signal } = new AbortController();
  await expect(handOver({ notes }, outgoing, Buffer.from('a'), signal)).rejects.toBeInstanceOf(ClientLeft);
});

it('another replica is sent proved files alone', async () => {
  const forged = { size: 1, sha256: '', send: async () => undefined } as object as Blob;
  const { url, faults, close } = await serve({ listener: { peers: { open: async () => forged } } });
  expect((await ask(url, `${PEER_BLOBS}${'ab'.repeat(32)}`)).status).toBe(500);
  expect(faults).toHaveLength(1);
  await close();
});

describe('a stored file that cannot be read', () => {
  const opened = async (error: Error) => {
    const still = await createStillIndex();
    let opens = 0;
    const file = async () =>
      makeFileAnswer({
        filename: WHEEL,
        project: 'foo-bar',
        size: 10,
        sha256: 'ab'.repeat(32),
        stored: true,
        async open() {
          opens++;
          return makeBlob('ab'.repeat(32), 10, {
            send: () => Promise.reject(error),
            bytes: async () => Buffer.alloc(10),
          });
        },
      });
    const { url, close } = await serve({ listener: { indexes: [{ index: { ...still.index, file } }] } });
    const { status } = await ask(url, `/packages/aa/bb/cc/${WHEEL}`);
    await close();
    await still.close();
    return [status >= 400, opens];
  };

  it('is opened once more where it was found changed before its first byte left, and only then', async () => {
    expect(await opened(new Refusal('digest', 'It is changed.'))).toEqual([true, 2]);
    expect(await opened(new Refusal('state', 'It is away.'))).toEqual([true, 1]);
  });
});
