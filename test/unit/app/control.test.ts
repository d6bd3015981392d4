import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { serversOn } from '../../../src/app/control/connect.ts';
import { type ControlSocket, type Handle, listenForControl } from '../../../src/app/control/listen.ts';
import { MAX_REQUEST, readAnswer, readRequest } from '../../../src/app/control/protocol.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { addressOf, socketsOf } from '../../../src/disk/sockets.ts';
import { openVolume, type Volume } from '../../../src/disk/volume.ts';
import { reasonOf } from '../../support/client.ts';

// Another process of the same user speaks to a server over a socket in its data directory.

let directory: string;
const closers: (() => unknown)[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-control-'));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await rm(directory, { recursive: true });
});

const echo: Handle = async (name, about) => ({ name, about });
const defects: unknown[] = [];
async function listen(data: string, handle: Handle = echo): Promise<ControlSocket> {
  const volume: Volume = await openVolume(data);
  const control = await listenForControl(volume, handle, (error) => defects.push(error));
  closers.push(async () => {
    await control.close();
    await volume.close();
  });
  return control;
}

const Echo = z.object({ name: z.string(), about: z.unknown() });
const asked = async (data: string) => {
  const [server] = await serversOn(data);
  return server?.ask('hello', { world: 1 }, Echo);
};

/** What comes back to a line, to the end of the connection. */
async function said(line: string): Promise<string> {
  const [found] = await socketsOf(directory);
  const { address, release } = addressOf(found?.folder ?? '', found?.name ?? '');
  const socket = connect(address);
  const chunks: Buffer[] = [];
  await new Promise((resolve) => {
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // What is too long is not read to its end.
    socket.on('error', () => undefined);
    socket.once('close', resolve);
    socket.write(line);
  });
  release();
  return Buffer.concat(chunks).toString();
}

describe('the control socket', () => {
  it('answers whoever may open it, and is its owner’s alone', async () => {
    await listen(directory);
    expect(await asked(directory)).toEqual({ name: 'hello', about: { world: 1 } });
    const [found] = await socketsOf(directory);
    expect((await stat(found?.folder ?? '')).mode & 0o777).toBe(0o700);
    const socket = await stat(join(found?.folder ?? '', found?.name ?? ''));
    expect([socket.isSocket(), socket.mode & 0o777]).toEqual([true, 0o600]);
  });

  it('is found by a path of any length', async () => {
    const data = join(directory, 'a'.repeat(120), 'b'.repeat(120));
    await listen(data);
    expect(await asked(data)).toEqual({ name: 'hello', about: { world: 1 } });
  });

  it('goes when its server is closed', async () => {
    const control = await listen(directory);
    await control.close();
    expect(await socketsOf(directory)).toEqual([]);
    expect(await serversOn(directory)).toEqual([]);
  });

  it('of a process that was killed is passed over, and removed by the next server; that of one that lives stays', async () => {
    await listen(directory);
    const dead = join(directory, 'control', 'dead');
    const killed = createServer().listen(join(directory, 'dead'));
    await new Promise((resolve) => killed.once('listening', resolve));
    await rename(join(directory, 'dead'), dead);
    await new Promise((resolve) => killed.close(resolve));
    expect(await socketsOf(directory)).toHaveLength(2);
    expect(await serversOn(directory)).toHaveLength(1);
    await listen(directory);
    expect(await readdir(join(directory, 'control'))).not.toContain('dead');
    expect(await serversOn(directory)).toHaveLength(2);
  });

  it('is not made where others may open its folder', async () => {
    await mkdir(join(directory, 'control'));
    await chmod(join(directory, 'control'), 0o755);
    expect(await reasonOf(listen(directory))).toBe('state');
  });

  it('is none in a directory that is not there', async () => {
    expect(await serversOn(join(directory, 'absent'))).toEqual([]);
  });

  it('hands a refusal on as it is, and the words of a defect', async () => {
    const answers: Readonly<Record<string, unknown>> = {
      refused: new Refusal('policy', 'not so', { subject: 'request' }),
      broken: new Error('a bug'),
    };
    await listen(directory, async (name) => {
      throw answers[name];
    });
    const [server] = await serversOn(directory);
    await expect(server?.ask('refused', {}, Echo)).rejects.toMatchObject({ reason: 'policy', message: 'not so' });
    expect(defects.splice(0)).toEqual([]);
    await expect(server?.ask('broken', {}, Echo)).rejects.toThrow('a bug');
    expect(defects.splice(0)).toEqual([answers['broken']]);
  });

  it('refuses what is not the protocol, or another version of it, and answers the next one', async () => {
    await listen(directory);
    expect(await said('GET / HTTP/1.1\r\n\r\n')).toContain('does not speak the protocol');
    expect(await said('{"verbatim":2,"do":"hello"}\n')).toContain('speaks version 2');
    expect(await said('{"verbatim":1,"with":{}}\n')).toContain('"reason":"format"');
    expect(await asked(directory)).toEqual({ name: 'hello', about: { world: 1 } });
  });

  it('ends the connection of whoever says too much', async () => {
    await listen(directory);
    expect(await said('x'.repeat(2 * MAX_REQUEST))).toBe('');
    expect(await asked(directory)).toEqual({ name: 'hello', about: { world: 1 } });
  });
});

describe('lines of the protocol', () => {
  it('are refused where they are of another version', () => {
    for (const line of ['', '[]', '{}', '{"verbatim":2,"do":"x"}', '{"verbatim":1,"do":7}'])
      expect(() => readRequest(line), line).toThrow(Refusal);
    expect(() => readAnswer(Echo, '{"verbatim":2,"answer":{"name":"x"}}')).toThrow('version 2');
    expect(() => readAnswer(Echo, '{"verbatim":1,"answer":{"name":7}}')).toThrow('does not know');
  });
});
