import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** What a path is answered with instead; undefined for the truth. */
export type Tamper = (path: string, truth: Uint8Array) => Uint8Array | undefined;

/** Somebody in the middle who answers 200 with whatever `tamper` makes of the body. */
export interface TamperingProxy {
  /** Ends with a slash. */
  readonly url: string;
  tamper: Tamper | undefined;
  close(): Promise<void>;
}

/** A proxy on 127.0.0.1 before the server at `origin`. */
export async function startTamperingProxy(origin: string): Promise<TamperingProxy> {
  const proxy: TamperingProxy = {
    url: '',
    tamper: undefined,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? '/';
    const sent = request(new URL(path, origin), { method: incoming.method, agent: false }, async (answer) => {
      const truth = await buffer(answer);
      const lie = proxy.tamper?.(decodeURIComponent(path), truth);
      outgoing.writeHead(lie === undefined ? (answer.statusCode ?? 502) : 200);
      outgoing.end(lie ?? truth);
    });
    sent.on('error', () => outgoing.destroy());
    sent.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(proxy, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` });
}
