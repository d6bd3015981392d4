import { describe, expect, it } from 'vitest';
import type { Health } from '../../../src/http/routes/health.ts';
import { ask } from '../../support/ask.ts';
import { serveForFile } from './serving.ts';

let holds = true;
const health: Health = {
  verdict: async () => ({ holds, lines: [holds ? 'The promise holds.' : 'It does not.', ''], json: { holds } }),
  devpiStatus: async () => ({ role: 'MASTER' }),
};
const serving = serveForFile(() => ({ listener: { health } }));
const asked = async (accept: string | undefined, path = '/health') => {
  const { status, headers, body } = await ask(serving().url, path, { headers: accept === undefined ? {} : { accept } });
  return { status, type: headers['content-type'], vary: headers['vary'], text: body.toString() };
};

describe('/health', () => {
  it.each([undefined, '*/*', 'text/plain'])('is words for whoever asks for %s', async (accept) => {
    holds = true;
    expect(await asked(accept)).toEqual({
      status: 200,
      type: 'text/plain; charset=UTF-8',
      vary: 'Accept',
      text: 'The promise holds.\n\n',
    });
  });

  it('is a page for a browser', async () => {
    const { type, text, vary } = await asked('text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8');
    expect([type, vary]).toEqual(['text/html; charset=UTF-8', 'Accept']);
    expect(text).toContain('<h1>health</h1>');
  });

  it.each(['application/json', 'application/json, text/plain;q=0.5'])('is JSON for %s', async (accept) => {
    holds = false;
    const { status, type, text } = await asked(accept);
    expect([status, type, JSON.parse(text)]).toEqual([503, 'application/json', { holds: false }]);
  });

  it('is 503 in words, too, where the promise does not hold', async () => {
    holds = false;
    expect(await asked('*/*')).toMatchObject({ status: 503, text: 'It does not.\n\n' });
  });

  it('has devpi’s shape beside it', async () => {
    const { status, text } = await asked('application/json', '/+status');
    expect([status, JSON.parse(text)]).toEqual([200, { type: 'status', result: { role: 'MASTER' } }]);
  });

  it('counts as health, whoever asks', async () => {
    serving().finished.length = 0;
    await asked(undefined);
    await expect.poll(() => serving().finished.map(({ route }) => route)).toEqual(['health']);
  });
});
