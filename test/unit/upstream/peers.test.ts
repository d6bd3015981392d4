import { expect, it } from 'vitest';
import { PEER_BLOBS, PEER_WORD, type PeerOffer } from '../../../src/ports/peers.ts';
import { HttpPeers, type PeerResult } from '../../../src/upstream/peers.ts';
import { ends, SOMEBODY, serve } from './setup.ts';

const SHA256 = 'ab'.repeat(32);
const BYTES = Buffer.from('a file that another replica has');
const FILE = { sha256: SHA256, limit: BYTES.length };

async function asking(fault: 'none' | object, bytes = BYTES) {
  const server = await serve({ files: new Map([[PEER_BLOBS + SHA256, bytes]]) });
  if (fault !== 'none') server.fault(PEER_BLOBS + SHA256, fault as Parameters<typeof server.fault>[1]);
  const results: PeerResult[] = [];
  const word = (path: string) => `for ${path}`;
  const peers = new HttpPeers({ peers: [server.url], word, version: '1', onResult: (each) => results.push(each) });
  ends.push(() => peers.close());
  return { server, peers, results };
}

async function bodyOf(offer: PeerOffer | undefined): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of offer?.bytes ?? []) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString();
}

it('a peer is shown the word for the path, and asked for nothing coded', async () => {
  const { server, peers, results } = await asking('none');
  const offer = await peers.find(FILE, SOMEBODY);
  expect(await bodyOf(offer)).toBe(BYTES.toString());
  offer?.ended('proved');
  const [request] = server.asked(PEER_BLOBS + SHA256);
  expect(request?.headers[PEER_WORD]).toBe(`for ${PEER_BLOBS}${SHA256}`);
  expect(request?.headers['accept-encoding']).toBe('identity');
  expect([results, peers.troubles]).toEqual([['proved'], []]);
});

it('a peer that has not got the file is no trouble, and is asked again', async () => {
  const { server, peers, results } = await asking({ kind: 'status', status: 404 });
  for (let times = 0; times < 2; times++) expect(await peers.find(FILE, SOMEBODY)).toBeUndefined();
  expect(server.asked(PEER_BLOBS + SHA256).length).toBe(2);
  expect([results, peers.troubles]).toEqual([['absent', 'absent'], []]);
});

it.each([
  ['a body that is larger than it may be', { kind: 'replace', bytes: Buffer.concat([BYTES, BYTES]) }],
  ['a body that is coded', { kind: 'headers', headers: { 'content-encoding': 'gzip' } }],
  ['a body without its length', { kind: 'headers', headers: {}, chunked: true }],
  ['a redirect', { kind: 'redirect', to: '/elsewhere' }],
  ['another status', { kind: 'raw', bytes: 'HTTP/1.1 203 X\r\nContent-Length: 2\r\n\r\nok' }],
  ['an error', { kind: 'status', status: 500 }],
  ['nothing at all', { kind: 'reset' }],
])('a peer that answers with %s is left alone for a while', async (_, fault) => {
  const { server, peers, results } = await asking(fault);
  expect(await peers.find(FILE, SOMEBODY)).toBeUndefined();
  expect(results).toEqual(['failed']);
  expect(peers.troubles.map(({ peer }) => peer)).toEqual([new URL(server.url).origin]);
  expect(await peers.find(FILE, SOMEBODY)).toBeUndefined();
  expect(results).toEqual(['failed']);
  expect(server.asked('/elsewhere')).toEqual([]);
});

it('a peer that lied is trouble until it sent what it was asked for', async () => {
  const { peers, results } = await asking('none');
  const offer = await peers.find(FILE, SOMEBODY);
  await bodyOf(offer);
  offer?.ended('wrong');
  expect([results, peers.troubles.length]).toEqual([['wrong'], 1]);
  expect(await peers.find(FILE, SOMEBODY)).toBeUndefined();
});

it('a peer that was slower than another is not waited for, and no trouble', async () => {
  const [slow, quick] = [await serve(), await serve({ files: new Map([[PEER_BLOBS + SHA256, BYTES]]) })];
  slow.fault('*', { kind: 'stall', at: 'headers' });
  const results: PeerResult[] = [];
  const onResult = (each: PeerResult) => results.push(each);
  const peers = new HttpPeers({ peers: [slow.url, quick.url], word: () => '', version: '1', onResult });
  ends.push(() => peers.close());
  const offer = await peers.find(FILE, SOMEBODY);
  expect(await bodyOf(offer)).toBe(BYTES.toString());
  offer?.ended('proved');
  await expect.poll(() => slow.connections().open).toBe(0);
  expect([results, peers.troubles]).toEqual([['proved'], []]);
});

it('whoever leaves is told why, and no peer is blamed', async () => {
  const { peers, results } = await asking({ kind: 'stall', at: 'headers' });
  const leaving = new AbortController();
  const found = peers.find(FILE, { ...SOMEBODY, signal: leaving.signal });
  leaving.abort(new Error('left'));
  await expect(found).rejects.toThrow('left');
  expect([results, peers.troubles]).toEqual([[], []]);
});
