import { get } from 'node:https';
import { afterEach, describe, expect, it } from 'vitest';
import type { ConnectionCrowding } from '../../../src/http/connections.ts';
import { createConnectionRefusal } from '../../../src/http/listener.ts';
import { GOOD, TEST_KEY } from '../../support/certificates.ts';
import { type Line, openLine, openLines } from '../../support/connections.ts';
import { bytesOf, type Serving, type ServingOptions, serve, WHEEL } from './serving.ts';

const LIVE = 'GET /livez HTTP/1.1\r\nHost: a\r\n\r\n';

let serving: Serving;
const lines: Line[] = [];
afterEach(async () => {
  for (const { socket } of lines.splice(0)) socket.destroy();
  await serving.close();
});

async function start(connections: number, options: ServingOptions = {}) {
  const crowding: ConnectionCrowding[] = [];
  serving = await serve({
    ...options,
    limits: { connections, ...options.limits },
    refuse: createConnectionRefusal(undefined),
    onCrowding: (each) => void crowding.push(each),
  });
  const open = async (count: number, from: string) => {
    const opened = await openLines(count, serving.url, { from });
    lines.push(...opened);
    return opened;
  };
  const one = async (from: string) => {
    const line = await openLine(serving.url, { from });
    lines.push(line);
    return line;
  };
  return { crowding, open, one, counts: () => serving.server.connections };
}

const alive = async (line: Line) => {
  const before = line.heard().length;
  line.send(LIVE);
  await line.until('HTTP/1.1');
  await expect.poll(() => line.heard().slice(before)).toContain('\r\n\r\n');
  return line.heard().slice(before).startsWith('HTTP/1.1 200');
};

describe('connections', () => {
  it('of one address may be all but the last, which are kept for others', async () => {
    const { open, one, counts } = await start(64);
    await open(80, '127.0.0.2');
    await expect.poll(counts).toMatchObject({ open: 60, refused: 20 });
    for (const from of ['127.0.0.3', '127.0.0.4']) expect(await alive(await one(from))).toBe(true);
    expect(counts()).toMatchObject({ open: 62, closedForRoom: 0 });
  });

  it('that are refused are told so in words, with a time to come again', async () => {
    const { open, one } = await start(16);
    await open(15, '127.0.0.2');
    await expect.poll(() => serving.server.connections.open).toBe(15);
    const refused = await one('127.0.0.2');
    refused.send(LIVE);
    await refused.closed;
    expect(refused.heard()).toMatch(/^HTTP\/1\.1 503 Verbatim has no connection left for your address/);
    expect(refused.heard()).toMatch(/\r\nRetry-After: [1-5]\r\n/);
    expect(refused.heard()).toMatch(/\r\nConnection: close\r\n/);
  });

  it('beyond those that can be told are closed', async () => {
    const { open, counts } = await start(16);
    await open(15 + 20, '127.0.0.2');
    await expect.poll(() => counts().refused).toBe(20);
    await expect.poll(() => lines.filter((line) => !line.isOpen()).length).toBe(12);
  });

  it('that are idle make room: of the address that has most, the one that asked longest ago', async () => {
    const { open, one, counts } = await start(8);
    const many = await open(5, '127.0.0.2');
    const few = await open(3, '127.0.0.3');
    await expect.poll(() => counts().open).toBe(8);
    for (const line of [...many.slice(1), ...few]) expect(await alive(line)).toBe(true);
    expect(await alive(await one('127.0.0.4'))).toBe(true);
    await many[0]?.closed;
    expect(counts()).toMatchObject({ open: 8, closedForRoom: 1, refused: 0 });
    expect(await alive(await one('127.0.0.4'))).toBe(true);
    await many[1]?.closed;
    expect([...many.slice(2), ...few].every((line) => line.isOpen())).toBe(true);
  });

  it('with half a request are idle', async () => {
    const { open, one, counts } = await start(4);
    const slow = await open(4, '127.0.0.2');
    for (const line of slow) line.send('GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ');
    await expect.poll(() => counts().open).toBe(4);
    expect(await alive(await one('127.0.0.3'))).toBe(true);
    expect(counts().closedForRoom).toBe(1);
  });

  it('with an answer under way are never closed for others', async () => {
    const { open, one, counts } = await start(4, {
      files: [{ project: 'foo-bar', filename: WHEEL, bytes: bytesOf(10) }],
    });
    const release = serving.still.holdUpstream();
    const busy = await open(4, '127.0.0.2');
    for (const line of busy) line.send(`GET /${serving.still.pathOf(WHEEL)} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await expect.poll(() => serving.still.downloads.count).toBe(1);
    const late = await one('127.0.0.3');
    late.send(LIVE);
    await late.closed;
    expect(late.heard()).toMatch(/^HTTP\/1\.1 503 /);
    expect(counts()).toMatchObject({ closedForRoom: 0, refused: 1 });
    release();
    for (const line of busy) await line.until('\r\n\r\n');
    // Now they are idle.
    expect(await alive(await one('127.0.0.3'))).toBe(true);
  });

  it('tell once that they are full, for whom, and once that there is room again', async () => {
    const { open, crowding, counts } = await start(16);
    const many = await open(30, '127.0.0.2');
    await expect.poll(() => counts().refused).toBe(15);
    expect(crowding).toEqual([{ full: true, party: '127.0.0.2', held: 15, limit: 16 }]);
    for (const line of many) line.socket.destroy();
    await expect.poll(() => counts().open).toBe(0);
    expect(crowding.slice(1)).toEqual([{ full: false }]);
  });

  it('over TLS are counted and make room all the same', async () => {
    await start(2, { tls: { key: TEST_KEY, cert: GOOD } });
    const idle = await openLines(2, serving.url.replace('https', 'http'), { from: '127.0.0.2' });
    lines.push(...idle);
    await expect.poll(() => serving.server.connections.open).toBe(2);
    const status = await new Promise((resolve, reject) =>
      get(`${serving.url}/livez`, { ca: GOOD, agent: false, localAddress: '127.0.0.3' }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      }).on('error', reject),
    );
    expect([status, serving.server.connections.closedForRoom]).toEqual([200, 1]);
  });
});
