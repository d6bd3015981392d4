import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { connect, type Socket } from 'node:net';

export interface Answered {
  readonly status: number;
  readonly phrase: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** `100 Continue`s that came before. */
  readonly interim: number;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
  /** The client's own address, one of 127.0.0.0/8. */
  readonly from?: string;
  /** Ends the connection. */
  readonly signal?: AbortSignal;
  /** Called with how many interim answers have come. */
  readonly onInterim?: (count: number) => void;
}

/** One request on a connection of its own, sent as written: nothing is normalized, no redirect followed. */
export function ask(base: string, path: string, asking: Asking = {}): Promise<Answered> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    let interim = 0;
    const sent = request(
      {
        hostname,
        port,
        path,
        ...(asking.from !== undefined && { localAddress: asking.from }),
        method: asking.method ?? 'GET',
        headers: { ...asking.headers, connection: 'close' },
        agent: false,
        ...(asking.signal && { signal: asking.signal }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            phrase: response.statusMessage ?? '',
            headers: response.headers,
            body: Buffer.concat(chunks),
            interim,
          }),
        );
      },
    );
    sent.on('continue', () => asking.onInterim?.(++interim));
    sent.on('error', reject);
    sent.end(asking.body);
  });
}

/** What a raw connection brought until it ended, and how it ended. */
export interface Heard {
  readonly text: string;
  readonly end: 'closed' | 'reset';
}

/** Sends bytes as they are and listens until the other side ends the connection. */
export function shout(base: string, bytes: string | Buffer, onConnected?: (socket: Socket) => void): Promise<Heard> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve) => {
    let text = '';
    let end: Heard['end'] = 'closed';
    const socket = connect({ host: hostname, port: Number(port) }, () => {
      socket.write(bytes);
      onConnected?.(socket);
    });
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', () => {
      end = 'reset';
    });
    socket.on('close', () => resolve({ text, end }));
  });
}

/** The status of the first answer in what was heard. */
export function statusOf({ text }: Heard): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
}

/** Every status line in what was heard. */
export function statusesOf({ text }: Heard): readonly number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
}
