import { Agent as PlainAgent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import type { Socket } from 'node:net';
import type { UpstreamLimits } from './limits.ts';

/** The connections of one upstream, kept for the next request. Neither agent reads HTTP_PROXY and its like. */
export interface Connections {
  of(url: URL): PlainAgent;
  close(): void;
}

export function createConnections(limits: UpstreamLimits): Connections {
  const options = {
    keepAlive: true,
    maxSockets: limits.connections,
    maxFreeSockets: limits.connections,
    timeout: limits.idleSocket,
  };
  // Bytes that arrive while a kept connection lies idle would answer the next request; node ends such a connection.
  const plain = new PlainAgent(options);
  const tls = new TlsAgent(options);
  return {
    of: (url) => (url.protocol === 'https:' ? tls : plain),
    close() {
      plain.destroy();
      tls.destroy();
    },
  };
}

/** Calls back when the socket may carry a request: at once for a kept one, else when TCP and TLS are through. */
export function whenConnected(socket: Socket, secure: boolean, connected: () => void): void {
  if (!socket.connecting) connected();
  else socket.once(secure ? 'secureConnect' : 'connect', connected);
}
