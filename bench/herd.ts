import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { smallIndex, withMirror } from './support/index.ts';
import { atMost, type Measure } from './support/table.ts';

const CLIENTS = 1000;
const SIZE = 1_000_000;

/** A thousand clients ask for one cold file at the same time: how often upstream is asked. */
export const herd: Measure = async (log) => {
  const index = smallIndex();
  const wheel = { filename: 'sampleproject-1.0-py3-none-any.whl', bytes: randomBytes(SIZE) };
  index.upload('sampleproject', wheel);
  return withMirror(index, async ({ upstream, mirror }) => {
    await (await fetch(`${mirror.url}simple/sampleproject/`)).arrayBuffer();
    const stored = [...index.repository.files.keys()].find((path) => path.endsWith(`.${wheel.filename}`));
    const path = `/${stored}`;
    log(`herd: ${CLIENTS} clients`);
    // Slow enough that everybody has asked before the first byte is there.
    upstream.fault(path, { kind: 'stall', at: 'headers', time: 3000 });
    const { hostname, port, pathname } = new URL(index.filePath(wheel), mirror.url);
    const bodies = await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const socket = connect({ host: hostname, port: Number(port) });
        await once(socket, 'connect');
        socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`);
        return bytesOf(socket);
      }),
    );
    const whole = bodies.filter((bytes) => bytes > SIZE).length;
    if (whole !== CLIENTS) throw new Error(`only ${whole} of ${CLIENTS} clients got the file`);
    return [
      atMost(
        `${CLIENTS.toLocaleString('en')} clients ask for one cold file: requests to upstream`,
        upstream.asked(path).length,
        1,
        String,
        `${whole.toLocaleString('en')} whole answers`,
      ),
    ];
  });
};

async function bytesOf(socket: Socket): Promise<number> {
  let bytes = 0;
  for await (const chunk of socket) bytes += (chunk as Buffer).length;
  return bytes;
}
