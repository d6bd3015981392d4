import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { node22 } from '../support/node22.ts';
import { requirePart } from '../support/python.ts';
import { type TinyWheel, tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim } from '../support/verbatim.ts';

// One connection asks for many things at once and reads them slowly, while others fill every buffer there is: each answer
// is the bytes that were asked for, all of them, and in the order of asking.

const LARGE_BYTES = 3 * 1024 * 1024;
const CONNECTIONS = 6;
const ROUNDS = 2;

interface Asked {
  readonly method: 'GET' | 'HEAD';
  readonly path: string;
  readonly range?: readonly [start: number, end: number] | undefined;
  readonly bytes: Uint8Array | undefined;
}

let pypi: FakePypi;
let mirror: RunningVerbatim;
afterEach(async () => {
  await mirror?.close();
  await pypi?.close();
});

const old = await node22();
const NODES: readonly (readonly [string, string | undefined])[] = [
  ['this node', process.execPath],
  ...(requirePart('node 22', old) ? ([['node 22', old]] as const) : []),
];

/** Bytes of which no part repeats another. */
function large(seed: number): TinyWheel {
  const wheel = tinyWheel(`big${seed}`);
  const bytes = Buffer.alloc(LARGE_BYTES);
  for (let at = 0; at < LARGE_BYTES; at += 4) bytes.writeUInt32LE((at * 2_654_435_761 + seed) >>> 0, at);
  return { ...wheel, bytes };
}

/** Reads so many answers off one connection, with a pause after each part of them, and splits them by their lengths. */
async function readAll(url: URL, requests: readonly Asked[]): Promise<readonly Buffer[]> {
  const socket = connect({ host: url.hostname, port: Number(url.port) });
  await once(socket, 'connect');
  const said = requests.map(({ method, path, range }) =>
    [
      `${method} ${path} HTTP/1.1`,
      `Host: ${url.host}`,
      ...(range === undefined ? [] : [`Range: bytes=${range[0]}-${range[1] - 1}`]),
      '',
      '',
    ].join('\r\n'),
  );
  socket.write(said.join(''));
  let rest: Buffer = Buffer.alloc(0);
  const bodies: Buffer[] = [];
  const take = () => {
    for (;;) {
      const end = rest.indexOf('\r\n\r\n');
      if (end === -1) return;
      const head = rest.subarray(0, end).toString('latin1');
      if (/^HTTP\/1\.1 100 /.test(head)) {
        rest = rest.subarray(end + 4);
        continue;
      }
      expect(head).toMatch(/^HTTP\/1\.1 20[06] /);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
      const size = requests[bodies.length]?.method === 'HEAD' ? 0 : length;
      if (rest.byteLength < end + 4 + size) return;
      bodies.push(Buffer.from(rest.subarray(end + 4, end + 4 + size)));
      rest = rest.subarray(end + 4 + size);
    }
  };
  for await (const part of socket as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, part]);
    take();
    if (bodies.length === requests.length) break;
    // Slower than the server writes: answers wait behind one another.
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.destroy();
  return bodies;
}

describe.each(NODES)('pipelined mixes of files, parts, pages and HEAD, on %s', (_, node) => {
  it('get every byte that was asked for', async () => {
    pypi = await startFakePypi();
    const larges = [large(1), large(2)];
    const smalls = Array.from({ length: 8 }, (__, at) => tinyWheel(`small${at}`, '1.0', `bytes ${at}`));
    for (const wheel of [...larges, ...smalls]) pypi.upload(wheel.project, wheel);
    const flags = ['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`];
    mirror = await startVerbatim(flags, undefined, { node });
    const url = new URL(mirror.simple);
    const pages = new Map<string, Buffer>();
    for (const { project } of smalls) {
      const answer = await fetch(new URL(`${project}/`, url));
      pages.set(project, Buffer.from(await answer.arrayBuffer()));
    }
    const mix = (by: number): readonly Asked[] =>
      Array.from({ length: ROUNDS }, (__, round) => {
        const big = larges[(by + round) % larges.length] ?? expect.fail();
        const small = smalls[(by * ROUNDS + round) % smalls.length] ?? expect.fail();
        const path = (wheel: TinyWheel) => `/${pypi.storedAt(wheel).replace(/^\//, '')}`;
        const range = [1_000_000 + by, 2_500_000 + by] as const;
        return [
          { method: 'GET', path: path(big), bytes: big.bytes },
          { method: 'GET', path: path(small), bytes: small.bytes },
          { method: 'HEAD', path: path(big), bytes: undefined },
          { method: 'GET', path: `${url.pathname}${small.project}/`, bytes: pages.get(small.project) },
          { method: 'GET', path: path(big), range, bytes: big.bytes.subarray(...range) },
          { method: 'GET', path: path(small), bytes: small.bytes },
        ] as const satisfies readonly Asked[];
      }).flat();
    const all = await Promise.all(
      Array.from({ length: CONNECTIONS }, async (__, by) => {
        const requests = mix(by);
        return { requests, bodies: await readAll(url, requests) };
      }),
    );
    for (const { requests, bodies } of all) {
      expect(bodies).toHaveLength(requests.length);
      for (const [at, { bytes = new Uint8Array() }] of requests.entries()) expect(bodies[at]?.equals(bytes)).toBe(true);
    }
  });
});
