import { describe, expect, it } from 'vitest';
import type { SentFile } from '../../../src/http/exchange.ts';
import { createTrustedProxies } from '../../../src/http/forwarded.ts';
import { ask } from '../../support/ask.ts';
import { bytesOf, serve, WHEEL } from './serving.ts';

const PROXY = '10.0.0.7';
const proxies = createTrustedProxies(['10.0.0.0/8', '2001:db8:1::/48', '192.0.2.99']);

function clientOf(headers: Record<string, string>, peer = PROXY): string {
  return proxies.clientOf({ remoteAddress: peer }, headers);
}
const xff = (value: string, peer?: string) => clientOf({ 'x-forwarded-for': value }, peer);
const fwd = (value: string, peer?: string) => clientOf({ forwarded: value }, peer);

describe('the client behind a trusted proxy', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['198.51.100.9, 192.0.2.1', '192.0.2.1'],
    ['198.51.100.9,192.0.2.1,10.1.1.1 , 10.2.2.2', '192.0.2.1'],
    ['10.1.1.1, 10.2.2.2', '10.1.1.1'],
    ['192.0.2.1, 192.0.2.99', '192.0.2.1'],
    ['192.0.2.1:4711', '192.0.2.1'],
    ['2001:DB8::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:4711', '2001:db8::1'],
    ['2001:db8:1::5, ::ffff:192.0.2.1, 2001:db8:1::7', '192.0.2.1'],
  ])('X-Forwarded-For: %s', (value, client) => {
    expect(xff(value)).toBe(client);
  });

  it.each([
    ['for=192.0.2.1', '192.0.2.1'],
    ['FOR="192.0.2.1:4711";proto=https', '192.0.2.1'],
    ['proto=http;for="[2001:db8::1]:_port";by=_hidden', '2001:db8::1'],
    ['for="[2001:db8::1]"', '2001:db8::1'],
    ['for="\\1\\92.0.2.1"', '192.0.2.1'],
    ['for=198.51.100.9, for=192.0.2.1;by="a,b;c\\"d", for=10.9.9.9', '192.0.2.1'],
  ])('Forwarded: %s', (value, client) => {
    expect(fwd(value)).toBe(client);
  });

  it.each([
    '',
    ',',
    'unknown',
    '_hidden',
    'nobody',
    '192.0.2.1.5',
    '192.0.2.256',
    '[192.0.2.1]',
    'fe80::1%eth0',
    '1'.repeat(9000),
  ])('is the proxy itself where X-Forwarded-For ends in %j', (value) => {
    expect(xff(value)).toBe(PROXY);
    expect(xff(`192.0.2.1, ${value}`)).toBe(PROXY);
  });

  it.each([
    '',
    'for',
    'for=',
    'for="192.0.2.1',
    'for=192.0.2.1;for=192.0.2.2',
    'for=192.0.2.1 x',
    'for=[2001:db8::1]',
    'for=unknown',
    'for=_a',
    'by=192.0.2.1',
    '192.0.2.1',
    'for=192.0.2.1, x"',
    `by=${'x'.repeat(5000)};for=192.0.2.1`,
  ])('is the proxy itself where Forwarded is %j', (value) => {
    expect(fwd(value)).toBe(PROXY);
  });

  it('is the nearest proxy that cannot say more', () => {
    expect(xff('192.0.2.1, _hidden, 10.1.1.1')).toBe('10.1.1.1');
    expect(fwd('for=192.0.2.1, for=unknown, for=10.1.1.1')).toBe('10.1.1.1');
  });

  it('is looked for along so many hops and no further', () => {
    const hops = Array.from({ length: 40 }, (_, at) => `10.1.1.${at}`).join(', ');
    expect(xff(`192.0.2.1, ${hops}`)).toMatch(/^10\.1\.1\./);
    expect(xff(`192.0.2.1, ${hops.split(', ').slice(10).join(', ')}`)).toBe('192.0.2.1');
  });

  it('is believed of both headers only where they agree: the client may have sent one itself', () => {
    expect(clientOf({ 'x-forwarded-for': '192.0.2.1', forwarded: 'for=192.0.2.1' })).toBe('192.0.2.1');
    expect(clientOf({ 'x-forwarded-for': '192.0.2.1', forwarded: 'for=198.51.100.9' })).toBe(PROXY);
    expect(clientOf({ 'x-forwarded-for': '192.0.2.1', forwarded: 'for=' })).toBe(PROXY);
  });

  it('is the other end of the connection where no header came, or where that is no trusted proxy', () => {
    expect(clientOf({})).toBe(PROXY);
    for (const peer of ['192.0.2.5', '11.0.0.1', '2001:db8:2::1', '']) {
      expect(xff('198.51.100.9', peer)).toBe(peer);
      expect(fwd('for=198.51.100.9', peer)).toBe(peer);
    }
    expect(xff('198.51.100.9', '::ffff:10.0.0.1')).toBe('198.51.100.9');
    expect(xff('198.51.100.9', '2001:db8:1:2::3')).toBe('198.51.100.9');
  });

  it('is read in time that grows with the length of the header, whatever is in it', () => {
    for (const piece of ['for=a,', 'for="a\\"",', ' ;', '"', 'for="', '\t', ',']) {
      const header = piece.repeat(Math.floor(4096 / piece.length));
      const started = process.cpuUsage();
      for (let at = 0; at < 50; at++) fwd(header);
      const { user } = process.cpuUsage(started);
      const short = process.cpuUsage();
      for (let at = 0; at < 50 * 16; at++) fwd(header.slice(0, 256));
      // Sixteen times the length in as many pieces costs about the same; quadratic reading would cost sixteen times as much.
      expect(user).toBeLessThan(Math.max(8 * process.cpuUsage(short).user, 200_000));
    }
  });
});

describe('the same address is told everywhere', () => {
  const file = { project: 'foo-bar', filename: WHEEL, bytes: bytesOf(10) };
  const record = async (trustedProxies: readonly string[], headers: Record<string, string>) => {
    const sent: SentFile[] = [];
    const onSent = async (each: SentFile) => void sent.push(each);
    const serving = await serve({ files: [file], listener: { trustedProxies, onSent } });
    await ask(serving.url, `/${serving.still.pathOf(WHEEL)}`, { headers });
    await expect.poll(() => serving.finished.length).toBe(1);
    await serving.close();
    const [finished] = serving.finished;
    return [finished?.client, sent[0]?.client];
  };

  it('that a trusted proxy names', async () => {
    expect(await record(['127.0.0.0/8'], { 'x-forwarded-for': '198.51.100.9, 192.0.2.1' })).toEqual([
      '192.0.2.1',
      '192.0.2.1',
    ]);
    expect(await record(['127.0.0.1'], { forwarded: 'for=192.0.2.1' })).toEqual(['192.0.2.1', '192.0.2.1']);
  });

  it('and nobody else can name himself', async () => {
    for (const trusted of [[], ['10.0.0.0/8']])
      for (const headers of [{ 'x-forwarded-for': '192.0.2.1' }, { forwarded: 'for=192.0.2.1' }])
        expect(await record(trusted, headers)).toEqual(['127.0.0.1', '127.0.0.1']);
  });
});
