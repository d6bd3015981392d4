import { createServer, type RequestOptions, request } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** An HTTP proxy on loopback to names that no resolver knows: host → port of this machine. Anything else is 404. */
export async function startNamesProxy(ports: ReadonlyMap<string, number>) {
  const open = new Set<Socket>();
  const server = createServer((incoming, outgoing) => {
    const { hostname, host, pathname, search } = new URL(incoming.url ?? '', 'http://unknown');
    const port = ports.get(hostname);
    if (port === undefined) return void outgoing.writeHead(404).end();
    const to: RequestOptions = { host: '127.0.0.1', port, path: pathname + search, method: incoming.method };
    const onward = request({ ...to, headers: { ...incoming.headers, host }, agent: false }, (answered) => {
      outgoing.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => open.delete(socket));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close(): Promise<void> {
      for (const socket of open) socket.destroy();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}
