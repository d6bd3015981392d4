import type { Agent, request, STATUS_CODES } from 'node:http';
import type { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import type { createSecureContext, getCACertificates } from 'node:tls';

// An `import` of node:http reads every one of its exports, and some of them load a whole second HTTP client (30–60 ms).
// `verbatim client` starts for a single refresh: it takes the modules as they are, and TLS only where TLS is spoken.

export function plainHttp(): {
  readonly Agent: typeof Agent;
  readonly request: typeof request;
  readonly STATUS_CODES: typeof STATUS_CODES;
} {
  return process.getBuiltinModule('node:http');
}

export function tlsHttp(): { readonly Agent: typeof TlsAgent; readonly request: typeof tlsRequest } {
  return process.getBuiltinModule('node:https');
}

export function tls(): {
  readonly createSecureContext: typeof createSecureContext;
  readonly getCACertificates: typeof getCACertificates;
} {
  return process.getBuiltinModule('node:tls');
}
