import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startProcess } from '../../../../src/app/processes/channel.ts';
import { sharedMs, type ToSupervisor, type ToWorker } from '../../../../src/app/processes/messages.ts';
import { verbatim } from '../../../support/verbatim.ts';

// A worker and its supervisor, each without the other it expects.

const MAIN = fileURLToPath(new URL('../../../../src/main.ts', import.meta.url));
const CHILD = fileURLToPath(new URL('channel.child.ts', import.meta.url));
const LONG = 60_000;

/** A worker, and what it says. */
function worker() {
  const child = fork(MAIN, ['worker'], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said: ToSupervisor[] = [];
  child.on('message', (message) => said.push(message as ToSupervisor));
  const tell = (message: ToWorker, connection?: Socket) => child.send(message, connection);
  return { child, said, tell };
}

describe('a worker', { timeout: LONG }, () => {
  it('does not run by itself', async () => {
    const { code, stderr } = await verbatim('worker');
    expect([code, stderr]).toEqual([1, expect.stringContaining('starts workers; they do not run by themselves')]);
  });

  it('of another version than its supervisor starts nothing, and says why', async () => {
    const { child, said } = worker();
    child.send({ kind: 'begin', beginning: { version: '0.0.0' } });
    await once(child, 'exit');
    expect(said).toContainEqual({
      kind: 'failed',
      lines: [expect.stringMatching(/was replaced by version .* while 0\.0\.0 of it runs/)],
    });
  });

  it('closes a connection that it does not take', async () => {
    const { said, tell } = worker();
    const server = createServer({ pauseOnConnect: true }, (connection) =>
      tell({ kind: 'connection', id: 7, sentAt: sharedMs() }, connection),
    );
    onTestFinished(() => void server.close());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const at = server.address();
    const client = connect(typeof at === 'object' && at !== null ? at.port : 0, '127.0.0.1');
    onTestFinished(() => void client.destroy());
    client.on('error', () => undefined).resume();
    await once(client, 'close');
    await expect.poll(() => said).toContainEqual({ kind: 'connection', id: 7, taken: false, open: 0 });
  });
});

describe('nothing is said', { timeout: LONG }, () => {
  it('to a worker that has ended', async () => {
    const [, before = ''] = process.argv;
    process.argv[1] = MAIN;
    onTestFinished(() => {
      process.argv[1] = before;
    });
    const ended = Promise.withResolvers<string>();
    const started = startProcess({ onMessage: () => undefined, onEnd: ended.resolve });
    expect(started.send({ kind: 'reload' })).toBe(true);
    started.kill('SIGKILL');
    expect(await ended.promise).toBe('SIGKILL');
    expect(started.send({ kind: 'reload' })).toBe(false);
  });

  it('to a supervisor that is gone', async () => {
    const child = fork(CHILD, [], { silent: true });
    let text = '';
    child.stdout?.on('data', (chunk) => {
      text += chunk;
    });
    await once(child, 'close');
    expect(text).toBe('false');
  });
});
