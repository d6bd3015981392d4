import type { Agent } from 'node:http';
import type { Socket } from 'node:net';
import type { UpstreamLimits } from './limits.ts';
import { plainHttp, tlsHttp } from './node-http.ts';

/** The connections of one upstream, kept for the next request. Neither agent reads HTTP_PROXY and its like. */
export interface Connections {
  of(url: URL): Agent;
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
  const plain = new (plainHttp().Agent)(options);
  let tls: Agent | undefined;
  return {
    of(url) {
      if (url.protocol !== 'https:') return plain;
      tls ??= new (tlsHttp().Agent)(options);
      return tls;
    },
    close() {
      plain.destroy();
      tls?.destroy();
    },
  };
}

/** Calls back when the socket may carry a request: at once for a kept one, else when TCP and TLS are through. */
export function whenConnected(socket: Socket, secure: boolean, connected: () => void): void {
  if (!socket.connecting) connected();
  else socket.once(secure ? 'secureConnect' : 'connect', connected);
}
