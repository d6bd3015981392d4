import { describe, expect, it } from 'vitest';
import { PeerWords, WORD_SKEW_MS } from '../../../src/app/fleet/peer-words.ts';
import { PEER_BLOBS } from '../../../src/ports/peers.ts';

const KEY = Buffer.from('a key that all replicas have');
const SHA256 = 'ab'.repeat(32);
const PATH = PEER_BLOBS + SHA256;
const OTHER = PEER_BLOBS + 'cd'.repeat(32);

/** Two replicas whose clocks are as far apart as that. */
function replicas({ apart = 0, key = KEY } = {}) {
  let now = 1_800_000_000_000;
  const asking = new PeerWords(key, () => now + apart);
  const asked = new PeerWords(KEY, () => now);
  const pass = (ms: number) => {
    now += ms;
  };
  return { asking, asked, pass };
}

describe('the word by which replicas know each other', () => {
  it('is good for the path that it was said for', () => {
    const { asking, asked } = replicas();
    expect(asked.judge({ method: 'GET', path: PATH, word: asking.say(PATH) })).toBe(SHA256);
  });

  it('is good for no other path, method or spelling of the path', () => {
    const { asking, asked } = replicas();
    const word = () => asking.say(PATH);
    expect(asked.judge({ method: 'GET', path: OTHER, word: word() })).toBeUndefined();
    for (const method of ['HEAD', 'POST', undefined])
      expect(asked.judge({ method, path: PATH, word: word() })).toBeUndefined();
    const odd = [PATH.toUpperCase(), `${PATH}/`, `${PATH}0`, PEER_BLOBS, '/simple/'];
    for (const path of odd) expect(asked.judge({ method: 'GET', path, word: asking.say(path) })).toBeUndefined();
  });

  it('is good once', () => {
    const { asking, asked } = replicas();
    const word = asking.say(PATH);
    expect(asked.judge({ method: 'GET', path: PATH, word })).toBe(SHA256);
    expect(asked.judge({ method: 'GET', path: PATH, word })).toBeUndefined();
    // The last character holds bits that are not read.
    const respelled = word.slice(0, -1) + String.fromCharCode(word.charCodeAt(word.length - 1) + 1);
    expect(Buffer.from(respelled, 'base64url')).toEqual(Buffer.from(word, 'base64url'));
    expect(asked.judge({ method: 'GET', path: PATH, word: respelled })).toBeUndefined();
  });

  it('is good for a moment, and as far as clocks may differ', () => {
    const { asking, asked, pass } = replicas();
    const [inTime, late] = [asking.say(PATH), asking.say(PATH)];
    pass(WORD_SKEW_MS);
    expect(asked.judge({ method: 'GET', path: PATH, word: inTime })).toBe(SHA256);
    pass(1);
    expect(asked.judge({ method: 'GET', path: PATH, word: late })).toBeUndefined();
    const ahead = replicas({ apart: WORD_SKEW_MS + 1 });
    expect(ahead.asked.judge({ method: 'GET', path: PATH, word: ahead.asking.say(PATH) })).toBeUndefined();
  });

  it('is good under the same key alone', () => {
    const { asking, asked } = replicas({ key: Buffer.from('another key') });
    expect(asked.judge({ method: 'GET', path: PATH, word: asking.say(PATH) })).toBeUndefined();
  });

  it('is nothing that anybody could make up', () => {
    const { asking, asked } = replicas();
    const word = asking.say(PATH);
    for (const wrong of [undefined, '', 'a', [word], word.slice(1), `${word}A`, `${word} `, 'A'.repeat(word.length)])
      expect(asked.judge({ method: 'GET', path: PATH, word: wrong })).toBeUndefined();
    const bytes = Buffer.from(word, 'base64url');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      const said = changed.toString('base64url');
      expect(asked.judge({ method: 'GET', path: PATH, word: said })).toBeUndefined();
    }
  });
});
