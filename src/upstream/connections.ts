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
  const plain = endOnIdleBytes(new PlainAgent(options));
  const tls = endOnIdleBytes(new TlsAgent(options));
  return {
    of: (url) => (url.protocol === 'https:' ? tls : plain),
    close() {
      plain.destroy();
      tls.destroy();
    },
  };
}

/**
 * Bytes that arrive on a connection nobody asked anything on would become the answer to the next request
 * (response smuggling, RFC 9112 §9.2): such a connection is ended.
 */
function endOnIdleBytes<A extends PlainAgent>(agent: A): A {
  const keep = agent.keepSocketAlive.bind(agent);
  const reuse = agent.reuseSocket.bind(agent);
  const guards = new WeakMap<object, () => void>();
  agent.keepSocketAlive = (socket) => {
    const end = () => void socket.destroy();
    guards.set(socket, end);
    socket.on('data', end);
    return keep(socket);
  };
  agent.reuseSocket = (socket, request) => {
    const end = guards.get(socket);
    if (end !== undefined) socket.off('data', end);
    reuse(socket, request);
  };
  return agent;
}

/** Calls back when the socket may carry a request: at once for a kept one, else when TCP and TLS are through. */
export function whenConnected(socket: Socket, secure: boolean, connected: () => void): void {
  if (!socket.connecting) connected();
  else socket.once(secure ? 'secureConnect' : 'connect', connected);
}
