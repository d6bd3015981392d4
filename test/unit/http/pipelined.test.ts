import { describe, expect, it } from 'vitest';
import { MAX_PIPELINED } from '../../../src/http/limits.ts';
import { shout, statusesOf } from '../../support/ask.ts';
import { bytesOf, serve } from './serving.ts';

// Requests on one connection that are sent before the last one was answered.

const files = [0, 1, 2].map((at) => ({
  project: 'foo-bar',
  filename: `foo_bar-${at}-py3-none-any.whl`,
  bytes: bytesOf(300_000 + at, at),
}));

const asking = (path: string, last = false) =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\n${last ? 'Connection: close\r\n' : ''}\r\n`;

describe('pipelined requests', () => {
  it('are taken up one after the other, and each is sent its own bytes', async () => {
    const serving = await serve({ files });
    const paths = files.map(({ filename }) => `/${serving.still.pathOf(filename)}`);
    const release = serving.still.holdUpstream();
    const heard = shout(serving.url, paths.map((path, at) => asking(path, at === 2)).join(''));
    await expect.poll(() => serving.still.downloads.count).toBe(1);
    // Whoever asks now is answered at once, and the two that wait have begun nothing meanwhile.
    const other = await shout(serving.url, asking('/livez', true));
    expect([statusesOf(other), serving.still.downloads.count]).toEqual([[200], 1]);
    release();
    const answers = Buffer.from((await heard).text, 'latin1');
    let at = 0;
    for (const { bytes } of files) {
      at = answers.indexOf('\r\n\r\n', at) + 4;
      expect(answers.subarray(at, at + bytes.byteLength).equals(bytes)).toBe(true);
      at += bytes.byteLength;
    }
    expect(serving.still.downloads.count).toBe(3);
    await serving.close();
  });

  it('for pages at hand need not wait, and come in order', async () => {
    const serving = await serve({ files });
    const heard = await shout(
      serving.url,
      `${asking('/simple/foo-bar/').repeat(MAX_PIPELINED * 2)}${asking('/livez', true)}`,
    );
    expect(statusesOf(heard)).toHaveLength(MAX_PIPELINED * 2 + 1);
    await serving.close();
  });

  it('of which too many wait end the connection, and that is recorded', async () => {
    const serving = await serve({ files });
    const release = serving.still.holdUpstream();
    const path = `/${serving.still.pathOf(files[0]?.filename ?? '')}`;
    const heard = await shout(serving.url, asking(path).repeat(MAX_PIPELINED + 2));
    expect(heard.text).toBe('');
    await expect
      .poll(() => serving.finished.map(({ reason, status, aborted }) => [reason, status, aborted]))
      .toContainEqual(['limit', 0, true]);
    release();
    expect(statusesOf(await shout(serving.url, asking(path, true)))).toEqual([200]);
    await serving.close();
  });
});
