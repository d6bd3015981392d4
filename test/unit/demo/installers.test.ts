import { createServer, type RequestListener } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { existing } from '../../../src/bytes/existing.ts';
import { findPip } from '../../../src/demo/pip.ts';
import { createPlainInstaller } from '../../../src/demo/plain-installer.ts';
import { portOf } from '../../../src/http/server.ts';

const WHEEL = Buffer.from('a wheel');
const NAME = 'a_b-1.0-py3-none-any.whl';
const page = `<a href="/${NAME}#sha256=${sha256Hex(WHEEL)}">${NAME}</a>`;

/** An index that answers with its page, its file, or these instead. */
async function index(answers: Readonly<Record<string, RequestListener>> = {}) {
  const server = createServer((request, response) => {
    const own = request.url === '/a-b/' ? page : WHEEL;
    const answer = answers[request.url ?? ''];
    if (answer === undefined) response.end(own);
    else answer(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${existing(portOf(server), 'it does not listen')}/`;
}

const download = async (requirement: string, answers?: Parameters<typeof index>[0]) =>
  createPlainInstaller(AbortSignal.timeout(60_000)).download(await index(answers), requirement);

describe('the client that stands in for pip', () => {
  it('downloads what the page lists, and holds it to its digest', async () => {
    expect(await download('a-b==1.0')).toMatchObject({ ok: true, files: new Map([[NAME, sha256Hex(WHEEL)]]) });
  });

  it.each<readonly [string, Parameters<typeof index>[0], string]>([
    ['a-b==1.0', { '/a-b/': (_, response) => response.writeHead(404).end(page) }, 'HTTP 404 Not Found'],
    ['a-b==2.0', {}, 'No matching distribution found for a-b==2.0'],
    ['a-b', { [`/${NAME}`]: (_, response) => response.writeHead(403).end(WHEEL) }, 'HTTP 403 Forbidden'],
    ['a-b', { [`/${NAME}`]: (_, response) => response.end('another') }, `${NAME} is not what the page lists`],
  ])('fails as pip does, of %s: %#', async (requirement, answers, said) => {
    expect(await download(requirement, answers)).toEqual({ ok: false, said, files: new Map() });
  });
});

it('pip is not looked for any more where the demo was stopped', async () => {
  const stopped = AbortSignal.abort(new Error('stopped'));
  await expect(findPip({ folder: '/nonexistent', signal: stopped })).rejects.toThrow('stopped');
});
