import { createServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

interface ProxyOptions {
  /** The Proxy-Authorization it wants, at this moment. */
  readonly authorization?: () => string;
  /** Written in place of a tunnel; '' ends the connection. */
  readonly answer?: string;
  /** Never answers. */
  readonly stalls?: boolean;
}

/** An HTTP proxy on loopback: tunnels, and requests in the absolute form; leads to loopback only. */
export async function startProxy({ authorization, answer, stalls = false }: ProxyOptions = {}) {
  const asked: string[] = [];
  const open = new Set<Socket>();
  const mayPass = (incoming: IncomingMessage) =>
    authorization === undefined || incoming.headers['proxy-authorization'] === authorization();

  const server = createServer((incoming, outgoing) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    if (!mayPass(incoming)) return void outgoing.writeHead(407).end();
    const onward = request(incoming.url ?? '', { method: incoming.method, agent: false }, (answered) => {
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
  server.on('connect', (incoming: IncomingMessage, socket: Socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    if (stalls) return;
    if (!mayPass(incoming)) return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    if (answer !== undefined) return void socket.end(answer);
    const port = Number(incoming.url?.split(':').at(-1));
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    onward.on('error', () => socket.destroy());
    socket.once('close', () => onward.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    asked: asked as readonly string[],
    close(): Promise<void> {
      for (const socket of open) socket.destroy();
      closing ??= new Promise((closed) => server.close(() => closed()));
      return closing;
    },
  };
}
