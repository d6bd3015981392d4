import { describe, expect, it } from 'vitest';
import { requestIdOf } from '../../../src/http/request-id.ts';
import { ask, shout } from '../../support/ask.ts';
import { PIP, serve } from './serving.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const parent = (trace = TRACE, version = '00', rest = '') => `${version}-${trace}-b7ad6b7169203331-01${rest}`;

describe('what a request is called', () => {
  it.each([
    ['01J9ZK0W8B6XQ', '01J9ZK0W8B6XQ'],
    ['b5a2f6f0-9c1d-4b7e-8f1a-0c9d8e7f6a5b', 'b5a2f6f0-9c1d-4b7e-8f1a-0c9d8e7f6a5b'],
    ['aGVsbG8+d29ybGQ/Cg==', 'aGVsbG8+d29ybGQ/Cg=='],
    ['a'.repeat(128), 'a'.repeat(128)],
    ['a'.repeat(129), undefined],
    ['two words', undefined],
    ['', undefined],
    ['-dash', undefined],
    ['x"; DROP', undefined],
    ['\u00e9', undefined],
  ])('X-Request-Id: %s', (id, expected) => {
    expect(requestIdOf({ 'x-request-id': id })).toBe(expected);
  });

  it.each([
    [parent(), TRACE],
    [parent(TRACE, '01', '-more'), TRACE],
    [parent(TRACE, 'ff'), undefined],
    [parent('0'.repeat(32)), undefined],
    [parent(TRACE.toUpperCase()), undefined],
    [`00-${TRACE}-0000000000000000-01`, undefined],
    ['nonsense', undefined],
  ])('traceparent: %s', (traceparent, expected) => {
    expect(requestIdOf({ traceparent })).toBe(expected);
  });

  it('is the first that is sane', () => {
    expect(requestIdOf({ 'x-request-id': 'mine', traceparent: parent() })).toBe('mine');
    expect(requestIdOf({ 'x-request-id': 'not mine', traceparent: parent() })).toBe(TRACE);
    expect(requestIdOf({})).toBeUndefined();
  });
});

describe('a request that its client names', () => {
  it('is answered by that name, whatever comes of it, and recorded with it', async () => {
    const { url, finished, close } = await serve();
    const named = { 'x-request-id': 'ask-1', accept: PIP };
    // A page that is not at hand, one that is, none, and what is no request of ours.
    for (const [path, method] of [
      ['/simple/foo-bar/', 'GET'],
      ['/simple/foo-bar/', 'GET'],
      ['/simple/absent/', 'GET'],
      ['/livez', 'HEAD'],
      ['/', 'POST'],
      ['/simple/Foo_Bar/', 'GET'],
    ] as const) {
      const { headers } = await ask(url, path, { method, headers: named });
      expect([path, headers['x-request-id']]).toEqual([path, 'ask-1']);
    }
    await expect.poll(() => finished.map(({ requestId }) => requestId)).toEqual(Array(6).fill('ask-1'));
    const unnamed = await ask(url, '/simple/foo-bar/', { headers: { accept: PIP } });
    expect(unnamed.headers).not.toHaveProperty('x-request-id');
    const strange = await ask(url, '/simple/foo-bar/', { headers: { accept: PIP, 'x-request-id': 'a b' } });
    expect(strange.headers).not.toHaveProperty('x-request-id');
    await close();
  });

  it('keeps the other headers of a warm answer as they are', async () => {
    const { url, close } = await serve();
    const lines = async (more: string) => {
      const request = `GET /simple/foo-bar/ HTTP/1.1\r\nHost: a\r\nAccept: ${PIP}\r\n${more}Connection: close\r\n\r\n`;
      const [head = ''] = (await shout(url, request)).text.split('\r\n\r\n');
      return head
        .split('\r\n')
        .filter((line) => !/^(?:date|x-request-id):/i.test(line))
        .toSorted();
    };
    await lines('');
    expect(await lines('X-Request-Id: ask-1\r\n')).toEqual(await lines(''));
    await close();
  });
});
