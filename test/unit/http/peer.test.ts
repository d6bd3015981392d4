import { describe, expect, it } from 'vitest';
import { createShares } from '../../../src/async/shares.ts';
import { createAccess } from '../../../src/http/access/access.ts';
import { readTokens } from '../../../src/http/access/access-list.ts';
import type { PeerDoor } from '../../../src/http/routes/peer.ts';
import { makeBlob } from '../../../src/ports/blob.ts';
import { PEER_BLOBS } from '../../../src/ports/peers.ts';
import { ask } from '../../support/ask.ts';
import { serve } from './serving.ts';

const PATH = `${PEER_BLOBS}${'ab'.repeat(32)}`;
const BYTES = Buffer.from('a file');
const BLOB = makeBlob('ab'.repeat(32), BYTES.length, {
  send: ({ start, end }, write) => write(BYTES.subarray(start, end)),
  bytes: async () => BYTES,
});

/** Open to whoever says `friend`. */
const door: PeerDoor = { open: async ({ word, method }) => (word === 'friend' && method === 'GET' ? BLOB : undefined) };
const tokens = readTokens(`ci:${'0'.repeat(64)}\n`, 'tokens');
const work = { bcrypt: async () => false };
const accessOf = () => createAccess({ users: new Map(), tokens }, { queues: createShares(), ...work });
const friend = { headers: { 'verbatim-peer': 'friend' } };

async function served(listener: { readonly peers?: PeerDoor; readonly access?: ReturnType<typeof accessOf> }) {
  const serving = await serve({ listener });
  const { url, finished } = serving;
  return { url, finished, close: () => serving.close() };
}

describe('the path of replicas', () => {
  it('has a file for a replica, without any credentials of users, and nobody on the way may keep it', async () => {
    const { url, finished, close } = await served({ peers: door, access: accessOf() });
    const { status, headers, body } = await ask(url, PATH, friend);
    expect([status, body.toString()]).toEqual([200, BYTES.toString()]);
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['content-length']).toBe(String(BYTES.length));
    expect(headers['verbatim-evidence']).toBeUndefined();
    await close();
    expect(finished.map(({ route, index }) => ({ route, index }))).toEqual([{ route: 'peer', index: undefined }]);
  });

  it('says the same to everybody else, as of a path where nothing lies, and asks nobody for credentials', async () => {
    const { url, close } = await served({ peers: door, access: accessOf() });
    const refused = [{}, { headers: { 'verbatim-peer': 'foe' } }, { headers: { authorization: 'Basic YTpi' } }];
    for (const asking of refused) {
      const { status, headers } = await ask(url, PATH, asking);
      expect([status, headers['www-authenticate']]).toEqual([404, undefined]);
    }
    expect((await ask(url, PATH, { ...friend, method: 'HEAD' })).status).toBe(404);
    expect((await ask(url, '/simple/')).status).toBe(401);
    await close();
  });

  it('is not there where no replicas are named', async () => {
    const { url, close } = await served({});
    expect((await ask(url, PATH, friend)).status).toBe(404);
    await close();
    const closed = await served({ access: accessOf() });
    expect((await ask(closed.url, PATH, friend)).status).toBe(401);
    await closed.close();
  });
});
