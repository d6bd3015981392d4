import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readBody } from '../../../src/http/body.ts';
import { ClientLeft } from '../../../src/http/exchange.ts';

const LIMITS = { bytes: 8, within: 60_000 };
const left = () => new ClientLeft('gone');
const read = (
  body: PassThrough,
  announced: { readonly length?: string; readonly coding?: string } = {},
  limits: Partial<typeof LIMITS> = {},
) => readBody(body, { length: announced.length, coding: announced.coding }, { ...LIMITS, ...limits }, left);

describe('the body of a request', () => {
  it('is had whole, and may be empty', async () => {
    const body = new PassThrough();
    const whole = read(body, { length: '8', coding: 'Identity' });
    body.write('1234');
    body.end('5678');
    expect((await whole).toString()).toBe('12345678');
    const none = new PassThrough();
    none.end();
    expect(await read(none)).toHaveLength(0);
  });

  it.each([
    ['that is announced as too large', { length: '9' }, '', 'limit'],
    ['that is too large', {}, '123456789', 'limit'],
    ['that is packed', { coding: 'gzip' }, '1', 'encoding'],
  ])('%s is refused', async (_, announced, sent, reason) => {
    const body = new PassThrough();
    body.end(sent);
    await expect(read(body, announced)).rejects.toMatchObject({ reason, subject: 'request' });
  });

  it('that does not end in time is refused', async () => {
    const body = new PassThrough();
    body.write('1');
    await expect(read(body, {}, { within: 5 })).rejects.toMatchObject({ reason: 'slow', subject: 'request' });
  });

  it('whose client leaves before its end is nobody’s', async () => {
    const body = new PassThrough();
    const whole = read(body, { length: '2' });
    body.write('1');
    body.destroy();
    await expect(whole).rejects.toBeInstanceOf(ClientLeft);
  });
});
