import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startUpstream, type TestUpstream } from '../../support/upstream.ts';
import { startVerbatim } from '../../support/verbatim.ts';

// node reads HTTP leniently where it is started with --insecure-http-parser, as an environment may have it for all programs.

const PAGE = JSON.stringify({ meta: { 'api-version': '1.0' }, name: 'alpha', files: [] });

let upstream: TestUpstream;
let data: string;
const before = process.env['NODE_OPTIONS'];
beforeEach(async () => {
  upstream = await startUpstream();
  data = await mkdtemp(join(tmpdir(), 'verbatim-lenient-'));
  process.env['NODE_OPTIONS'] = '--insecure-http-parser';
});
afterEach(async () => {
  if (before === undefined) delete process.env['NODE_OPTIONS'];
  else process.env['NODE_OPTIONS'] = before;
  await upstream.close();
  await rm(data, { recursive: true });
});

const answer = (...headers: readonly string[]) => {
  const body = `${PAGE.length.toString(16)}\r\n${PAGE}\r\n0\r\n\r\n`;
  const head = ['HTTP/1.1 200 OK', 'content-type: application/vnd.pypi.simple.v1+json', ...headers].join('\r\n');
  upstream.fault('/simple/alpha/', { kind: 'raw', bytes: `${head}\r\n\r\n${body}` });
};

/** What a mirror of its own says of the page. */
async function asked(): Promise<string> {
  const mirror = await startVerbatim(['--upstream', `${upstream.url}simple/`], data);
  try {
    const page = await fetch(`${mirror.simple}alpha/`);
    const { reason = '' } = page.ok ? {} : ((await page.json()) as { readonly reason?: string });
    return `${page.status} ${reason}`.trim();
  } finally {
    await mirror.close();
  }
}

describe('under a lenient node, upstream', () => {
  it('is understood where its answer is as HTTP wants it', async () => {
    answer('transfer-encoding: chunked');
    expect(await asked()).toBe('200');
  });

  it('is refused where two lengths could be read from its answer', async () => {
    answer('content-length: 5', 'transfer-encoding: chunked');
    expect(await asked()).toBe('502 format');
  });

  it('is refused where a line of its header is none', async () => {
    answer('transfer-encoding: chunked', 'x-odd: a\x01b');
    expect(await asked()).toBe('502 format');
  });
});
