import { describe, expect, it } from 'vitest';
import type { OnAsked } from '../../../src/upstream/visit.ts';
import type { Fault } from '../../support/upstream.ts';
import { bytesAt, bytesOf, connect, serve } from './setup.ts';

type Told = Parameters<OnAsked>[0];

const HEAD: Readonly<Record<string, Fault>> = {
  answered: { kind: 'status', status: 404 },
  busy: { kind: 'status', status: 503 },
  error: { kind: 'status', status: 500 },
};

async function asked(fault: Fault | undefined, host: 'index' | 'files' = 'index'): Promise<readonly Told[]> {
  const server = await serve({ files: new Map([['page', bytesOf('content')]]) });
  if (fault !== undefined) server.fault('/page', fault);
  const told: Told[] = [];
  const other = await serve();
  const places = host === 'index' ? { bases: [server.url] } : { bases: [other.url], fileHosts: [server.url] };
  const upstream = connect(server, { ...places, onAsked: (event) => told.push(event) });
  await bytesAt(upstream, `${server.url}page`, 100).catch(() => undefined);
  return told;
}

describe('a request to upstream', () => {
  it.each(Object.entries(HEAD))('is told as %s by the status of its answer', async (outcome, fault) => {
    expect(await asked(fault)).toEqual([{ host: 'index', outcome, isAnswered: true, seconds: expect.any(Number) }]);
  });

  it('is told by which class of host it went to, and once', async () => {
    expect((await asked(undefined)).map(({ host, outcome }) => [host, outcome])).toEqual([['index', 'answered']]);
    expect((await asked(undefined, 'files')).map(({ host }) => host)).toEqual(['files']);
  });

  it('that nobody answers is told, too', async () => {
    const server = await serve();
    await server.close();
    const told: Told[] = [];
    const upstream = connect(server, { onAsked: (event) => told.push(event) });
    await expect(bytesAt(upstream, `${server.url}page`, 100)).rejects.toMatchObject({ reason: 'unreachable' });
    expect(told.map(({ outcome, isAnswered }) => [outcome, isAnswered])).toEqual([['unreachable', false]]);
  });
});
