import { connect, type Socket } from 'node:net';
import type { z } from 'zod';
import { Refusal } from '../../bytes/refusal.ts';
import { codeOf } from '../../disk/file-ops.ts';
import { addressOf, type SocketAddress, socketsOf } from '../../disk/sockets.ts';
import { MAX_ANSWER, readAnswer, requestLine } from './protocol.ts';

/** A server that listens. */
export interface Server {
  /** Asks for something, and waits that long for what is answered. Throws Refusal. */
  ask<T>(name: string, about: unknown, schema: z.ZodType<T>, waitMs?: number): Promise<T>;
}

/** How long an answer is waited for that takes no work. Milliseconds. */
const ANSWER_MS = 15_000;
const CONNECT_MS = 5000;
/** Nobody listens there (any more). */
const NOBODY: ReadonlySet<string | undefined> = new Set(['ECONNREFUSED', 'ENOENT', 'ENOTSOCK']);

/** The servers that run on a data directory. Throws Refusal `policy` where this user may not talk to them. */
export async function serversOn(directory: string): Promise<readonly Server[]> {
  const servers: Server[] = [];
  for (const { folder, name } of await socketsOf(directory).catch(mayNot(directory))) {
    const socket = await reach(addressOf(folder, name)).catch(mayNot(directory));
    if (socket === undefined) continue;
    socket.destroy();
    servers.push({
      async ask(request, about, schema, waitMs = ANSWER_MS) {
        const connected = await reach(addressOf(folder, name));
        if (connected === undefined) throw gone();
        return readAnswer(schema, await answerOf(connected, requestLine(request, about), waitMs));
      },
    });
  }
  return servers;
}

/** A connection; undefined where nobody listens. */
export async function reach({ address, release }: SocketAddress): Promise<Socket | undefined> {
  const socket = connect(address);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
      socket.setTimeout(CONNECT_MS, () => reject(gone()));
    });
    return socket;
  } catch (error) {
    socket.destroy();
    if (NOBODY.has(codeOf(error))) return undefined;
    throw error;
  } finally {
    release();
  }
}

function answerOf(socket: Socket, line: string, waitMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const fail = (error: unknown) => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(waitMs, () => fail(late(waitMs)));
    socket.on('error', fail);
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.byteLength;
      if (bytes > MAX_ANSWER)
        fail(new Refusal('limit', `The server answered more than ${MAX_ANSWER} bytes.`, { subject: 'request' }));
    });
    socket.once('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      if (text.endsWith('\n')) resolve(text);
      else fail(gone());
    });
    socket.write(line);
  });
}

function mayNot(directory: string): (error: unknown) => never {
  return (error) => {
    const code = codeOf(error);
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    throw new Refusal(
      'policy',
      `This user may neither look into the data directory ${directory} nor talk to a server on it. Run as the user whose it is, or as root.`,
      { subject: 'request', cause: error },
    );
  };
}

function gone(): Refusal {
  return new Refusal('unreachable', 'The server that runs on the data directory ended while it was asked.', {
    subject: 'request',
    transient: true,
  });
}

function late(waitMs: number): Refusal {
  return new Refusal(
    'slow',
    `The server that runs on the data directory did not answer within ${waitMs / 1000} seconds.`,
    {
      subject: 'request',
      transient: true,
    },
  );
}
