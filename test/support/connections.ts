import { connect, type Socket } from 'node:net';

/** A connection from an address of one's own: all of 127.0.0.0/8 is this machine. */
export interface Line {
  readonly socket: Socket;
  /** What came, as Latin-1. */
  readonly heard: () => string;
  /** Resolves once the other side or this one has ended it. */
  readonly closed: Promise<void>;
  readonly isOpen: () => boolean;
  send(text: string): void;
  /** Reads until `text` has come; rejects where the connection ends before. */
  until(text: string): Promise<void>;
}

export interface LineOptions {
  /** By default 127.0.0.1. */
  readonly from?: string;
  /** Takes nothing of what comes. */
  readonly stalled?: boolean;
}

/** Resolves when it is connected, on either side of the kernel; whether it is kept is seen later. */
export function openLine(url: string, { from = '127.0.0.1', stalled = false }: LineOptions = {}): Promise<Line> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), localAddress: from });
    let text = '';
    let open = true;
    const closed = new Promise<void>((end) =>
      socket.once('close', () => {
        open = false;
        end();
      }),
    );
    socket.setEncoding('latin1');
    if (!stalled)
      socket.on('data', (chunk: string) => {
        text += chunk;
      });
    socket.on('error', reject);
    socket.once('connect', () =>
      resolve({
        socket,
        heard: () => text,
        closed,
        isOpen: () => open,
        send: (bytes) => void socket.write(bytes),
        until: (wanted) =>
          new Promise((found, failed) => {
            const look = () => {
              if (text.includes(wanted)) found();
              else if (!open) failed(new Error(`the connection ended after ${JSON.stringify(text.slice(-200))}`));
            };
            socket.on('data', look);
            socket.once('close', look);
            look();
          }),
      }),
    );
  });
}

/** So many at once, each connected when this resolves. */
export function openLines(count: number, url: string, options?: LineOptions): Promise<readonly Line[]> {
  return Promise.all(Array.from({ length: count }, () => openLine(url, options)));
}
