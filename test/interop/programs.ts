import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../support/free-port.ts';
import { clientEnvironment } from '../support/python.ts';

/** A server of somebody else's, in a process of its own. */
export interface Program {
  /** Its origin; no slash at the end. */
  readonly origin: string;
  /** Resolves when it has ended; once is enough. */
  readonly close: () => Promise<void>;
}

/** Where a program says that it listens. */
const LISTENS =
  /(?:\bServing (?:HTTP )?on\b|\bListening (?:on|at)\b|\brunning on\b).*?(http:\/\/127\.0\.0\.1:[1-9]\d*)/i;

/** Once it says where it listens. */
export async function startProgram(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Program> {
  const { child, ended, complaint } = begin(program, args, environment);
  const origin = await Promise.race([listening(child.stdout), listening(child.stderr), ended]);
  if (typeof origin !== 'string') throw new Error(`${program} ended before it listened: ${complaint()}`);
  return { origin, close: closer(child, ended) };
}

/** The same of a program that does not say it: once it answers on the port that `args` tell it. */
export async function startSilentProgram(program: string, args: (port: number) => readonly string[]): Promise<Program> {
  const port = await freePort();
  const { child, ended, complaint } = begin(program, args(port), {});
  const origin = `http://127.0.0.1:${port}`;
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  while (!(await answers(origin))) {
    if (isOver) throw new Error(`${program} ended before it listened: ${complaint()}`);
    await sleep(50);
  }
  return { origin, close: closer(child, ended) };
}

type Child = ReturnType<typeof begin>['child'];

function begin(program: string, args: readonly string[], environment: Readonly<Record<string, string>>) {
  const env = clientEnvironment({ PYTHONUNBUFFERED: '1', ...environment });
  const child = spawn(program, [...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  process.once('exit', () => child.kill('SIGKILL'));
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000);
  });
  return { child, ended, complaint: () => said };
}

function closer(child: Child, ended: Promise<unknown>): () => Promise<void> {
  return async () => {
    child.kill('SIGTERM');
    await ended;
  };
}

/** Reads to the end, so that the program is never held up by a full pipe. */
function listening(stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve) => {
    createInterface(stream).on('line', (line) => {
      const origin = LISTENS.exec(line)?.[1];
      if (origin !== undefined) resolve(origin);
    });
  });
}

async function answers(url: string): Promise<boolean> {
  try {
    await (await fetch(url, { redirect: 'manual' })).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
