import type { Server } from 'node:http';
import { Socket } from 'node:net';
import type { Connections } from './connections.ts';

const TOO_LATE = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n';

/**
 * Node looks for clients that have not sent their request in time before it reads what has come: after a turn of the event loop that took
 * longer than the limit, those are clients whose request lies there whole, and they would see a reset. Each gets one more
 * turn; who has then sent its request is answered, and everybody else is told and cut, as by node.
 */
export function judgeLateRequests(server: Server, connections: Connections): void {
  const { emit } = server;
  server.emit = (event: string | symbol, ...args: unknown[]): boolean => {
    const [late, socket] = args;
    if (event !== 'clientError' || !isLate(late) || !(socket instanceof Socket))
      return Reflect.apply(emit, server, [event, ...args]);
    judge(late, socket, connections);
    return true;
  };
}

function judge(late: Error, socket: Socket, connections: Connections): void {
  const before = connections.heard(socket);
  setImmediate(() => {
    const { requests, isWhole, isAnswering } = connections.heard(socket);
    if (requests > before.requests || (isWhole && !before.isWhole)) return;
    if (socket.writable && !isAnswering) socket.write(TOO_LATE);
    socket.destroy(late);
  });
}

function isLate(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
}
