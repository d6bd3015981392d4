import { afterAll, beforeAll } from 'vitest';
import type { Finished } from '../../../src/http/exchange.ts';
import { createListener, type ListenerOptions } from '../../../src/http/listener.ts';
import { type RunningServer, type ServerLimits, type ServerOptions, startServer } from '../../../src/http/server.ts';
import { createStillIndex, type StillIndex, type StillOptions } from '../../support/still-index.ts';
import { STILL_PEOPLE } from '../../support/still-people.ts';

export const J = 'application/vnd.pypi.simple.v1+json';
export const H = 'application/vnd.pypi.simple.v1+html';
export const PIP = `${J}, ${H}; q=0.1, text/html; q=0.01`;
export const UV = `${J}, ${H};q=0.2, text/html;q=0.01`;

export interface Serving {
  readonly still: StillIndex;
  readonly server: RunningServer;
  readonly url: string;
  readonly finished: Finished[];
  readonly faults: unknown[];
  close(): Promise<void>;
}

export interface ServingOptions extends StillOptions, Pick<ServerOptions, 'refuse' | 'onCrowding'> {
  readonly listener?: Partial<ListenerOptions>;
  readonly limits?: Partial<ServerLimits>;
  readonly cors?: boolean;
  readonly shared?: boolean;
  readonly pageMaxAge?: number;
  readonly longestRetryAfter?: number | undefined;
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** A still index behind the real listener on a real port. */
export async function serve(options: ServingOptions = {}): Promise<Serving> {
  const still = await createStillIndex(options);
  const finished: Finished[] = [];
  const faults: unknown[] = [];
  const listener = createListener({
    indexes: [
      {
        index: still.index,
        cors: options.cors,
        shared: options.shared,
        pageMaxAge: options.pageMaxAge,
        longestRetryAfter: options.longestRetryAfter,
      },
    ],
    defaultIndex: still.index.name,
    people: STILL_PEOPLE,
    onFinish: (record) => finished.push(record),
    onFault: (fault) => faults.push(fault),
    ...options.listener,
  });
  const server = await startServer({
    listener,
    host: '127.0.0.1',
    port: 0,
    tls: options.tls,
    refuse: options.refuse,
    onCrowding: options.onCrowding,
    limits: { grace: 200, ...options.limits },
  });
  const close = async () => {
    await server.close();
    await still.close();
  };
  return { still, server, url: server.url, finished, faults, close };
}

/** The same for all tests of a file. */
export function serveForFile(options: () => ServingOptions): () => Serving {
  let serving: Serving | undefined;
  beforeAll(async () => {
    serving = await serve(options());
  });
  afterAll(() => serving?.close());
  return () => {
    if (serving === undefined) throw new Error('not serving yet');
    return serving;
  };
}

/** Bytes that do not repeat, so that a part of them is recognised. */
export function bytesOf(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[at] = state >>> 16;
  }
  return bytes;
}

export const WHEEL = 'foo_bar-1.0-py3-none-any.whl';
