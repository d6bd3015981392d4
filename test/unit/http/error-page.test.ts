import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { REASONS, Refusal } from '../../../src/bytes/refusal.ts';
import { errorPage } from '../../../src/http/reply/error-page.ts';
import { answerTo } from '../../../src/http/reply/problems.ts';
import { ask } from '../../support/ask.ts';
import { PIP, serveForFile, UV } from './serving.ts';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

describe('the page of a refusal, for a browser', () => {
  it('says what happened, what was protected and what to do', () => {
    const page = errorPage(answerTo(new Refusal('digest', 'other bytes', { subject: 'file' }), 'file'));
    expect(page).toContain('<h1>Verbatim refused this file: digest mismatch</h1>');
    const [happened, kept, next] = [...page.matchAll(/<h2[^>]*>[^<]*<\/h2><p>([^<]*)<\/p>/g)].map(([, text]) => text);
    expect(happened).toMatch(/not what the index vouches for.*other bytes/);
    expect(kept).toBe('Nothing of it was kept or sent.');
    expect(next).toContain('tell the operator');
  });

  it('has words for every reason, and leaves no section empty', () => {
    for (const reason of REASONS) {
      const page = errorPage(answerTo(new Refusal(reason, 'x', { subject: 'file' }), 'file'));
      expect(page).toContain('What happened');
      expect(page).not.toContain('<p></p>');
    }
  });

  it('shows what upstream wrote as text', () => {
    const page = errorPage(
      answerTo(new Refusal('format', '<script>alert("1")</script>&<img src=x>', { subject: 'page' })),
    );
    expect(page).not.toMatch(/<(script|img)/);
    expect(page).toContain('&lt;script&gt;');
  });
});

describe('a refusal over HTTP', () => {
  const serving = serveForFile(() => ({}));

  it('is a page for a browser, under a policy that lets nothing of it run or load', async () => {
    const { status, headers, body } = await ask(serving().url, '/simple/absent/', { headers: { accept: BROWSER } });
    expect(status).toBe(404);
    expect(headers['content-type']).toBe('text/html; charset=UTF-8');
    expect(headers['x-content-type-options']).toBe('nosniff');
    const policy = String(headers['content-security-policy']);
    const style = /<style>([^<]*)<\/style>/.exec(body.toString())?.[1] ?? '';
    const digest = createHash('sha256').update(style).digest('base64');
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      `style-src 'sha256-${digest}'`,
      'img-src data:',
      "base-uri 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
    ]);
    expect(body.toString()).toContain('This index does not list this project');
    expect(headers.vary).toBe('Accept');
  });

  it.each([
    ['pip', PIP],
    ['uv', UV],
    ['Poetry', 'application/vnd.pypi.simple.v1+json, */*;q=0.1'],
    ['whoever takes anything', '*/*'],
    ['whoever likes both alike', 'application/problem+json, text/html'],
    ['whoever says nothing', undefined],
  ])('is a problem document for %s', async (_, accept) => {
    const asking = accept === undefined ? {} : { headers: { accept } };
    const { headers, body } = await ask(serving().url, `/files/foo-bar/${'0'.repeat(64)}/x.whl`, asking);
    expect(headers['content-type']).toBe('application/problem+json');
    expect(headers['content-security-policy']).toBeUndefined();
    expect(JSON.parse(body.toString())).toMatchObject({ reason: 'unlisted', status: 404 });
  });
});
