import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { within } from '../../async/timeout.ts';
import { Refusal } from '../../bytes/refusal.ts';
import { addressOf, type PlacedSocket, placeSocket, removeSocket, socketsOf } from '../../disk/sockets.ts';
import type { Volume } from '../../disk/volume.ts';
import { reach } from './connect.ts';
import { answerLine, errorLine, MAX_CONNECTIONS, MAX_REQUEST, REQUEST_MS, readRequest } from './protocol.ts';

/** What a request of that name comes to. Throws Refusal; anything else thrown is a defect. */
export type Handle = (name: string, about: unknown) => Promise<unknown>;

export interface ControlSocket {
  /** Nobody new is let in; what was begun has some seconds to end. */
  close(): Promise<void>;
}

/** What was begun is waited for so long. Milliseconds. */
const CLOSING_MS = 5000;

/** Listens in the data directory, for its owner and the superuser alone. Throws where no such socket can be had. */
export async function listenForControl(
  volume: Volume,
  handle: Handle,
  onDefect: (error: unknown) => void,
): Promise<ControlSocket> {
  const place = await placeSocket(volume);
  const working = new Set<Promise<void>>();
  const server = createServer((socket) => {
    const work = serve(socket, handle, onDefect).finally(() => working.delete(work));
    working.add(work);
  });
  try {
    server.maxConnections = MAX_CONNECTIONS;
    server.listen(place.address);
    await once(server, 'listening');
    server.unref();
    await place.publish();
    await removeDead(volume.root);
    return { close: () => close(server, place, working) };
  } catch (error) {
    await close(server, place, working);
    throw error;
  }
}

async function close(server: Server, place: PlacedSocket, working: ReadonlySet<Promise<void>>): Promise<void> {
  server.close();
  place.release();
  await place.remove().catch(() => undefined);
  await within(CLOSING_MS, Promise.all(working), undefined);
}

/** Where a process was killed, its socket refuses whoever comes. One that listens is never published before it does. */
async function removeDead(root: string): Promise<void> {
  for (const { folder, name } of await socketsOf(root)) {
    // What can neither be reached nor is refused may live.
    const socket = await reach(addressOf(folder, name)).catch(() => 'unknown' as const);
    if (socket === undefined) await removeSocket(folder, name);
    else if (socket !== 'unknown') socket.destroy();
  }
}

async function serve(socket: Socket, handle: Handle, onDefect: (error: unknown) => void): Promise<void> {
  socket.on('error', () => socket.destroy());
  const line = await requestOf(socket);
  if (line === undefined) {
    socket.destroy();
    return;
  }
  const answer = await handled(line, handle, onDefect);
  socket.setTimeout(REQUEST_MS, () => socket.destroy());
  socket.end(answer);
}

/** The line that answers this one; what was thrown is told by it. */
export async function handled(line: string, handle: Handle, onDefect: (error: unknown) => void): Promise<string> {
  try {
    const { name, about } = readRequest(line);
    return answerLine(await handle(name, about));
  } catch (error) {
    if (!(error instanceof Refusal)) onDefect(error);
    return errorLine(error);
  }
}

/** The first line; undefined where none comes in time, or it is too long. */
function requestOf(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const timer = setTimeout(() => resolve(undefined), REQUEST_MS).unref();
    const end = (line: string | undefined) => {
      clearTimeout(timer);
      socket.off('data', take);
      resolve(line);
    };
    const take = (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.byteLength;
      if (chunk.includes(0x0a)) end(Buffer.concat(chunks).toString('utf8').split('\n', 1)[0]);
      else if (bytes > MAX_REQUEST) end(undefined);
    };
    socket.on('data', take);
    socket.once('close', () => end(undefined));
  });
}
