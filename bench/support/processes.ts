import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The program as it is released. */
export const VERBATIM = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** A file of bench/children, to be run in a process of its own. */
export function childFile(name: string): string {
  return fileURLToPath(new URL(`../children/${name}`, import.meta.url));
}

export interface Running {
  readonly pid: number;
  /** The next line it prints. Throws where it ends first. */
  line(): Promise<string>;
  /** Writes a line to its standard input. */
  tell(text: string): void;
  stop(): Promise<void>;
}

/** Starts a program that talks in lines; what it says on standard error is shown if it ends unasked. */
export function start(command: string, args: readonly string[]): Running {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const complaint = collect(child);
  return {
    pid: child.pid ?? 0,
    async line() {
      const { done, value } = await lines.next();
      if (done === true) throw new Error(`${command} ${args[0]} ended: ${await complaint}`);
      return value;
    },
    tell: (text) => child.stdin.write(`${text}\n`),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'close');
    },
  };
}

export interface Ended {
  readonly stdout: string;
  /** From start to end. */
  readonly milliseconds: number;
  /** The most resident memory it ever had, in MiB, but for its last moment; 0 where the system does not say. */
  readonly peak: number;
}

const SAMPLE_EVERY_MS = 20;

/** Runs a program to its end; throws with its own words where it fails. */
export async function run(command: string, args: readonly string[]): Promise<Ended> {
  const begun = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const complaint = collect(child);
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  let peak = 0;
  const sampling = setInterval(() => {
    peak = Math.max(peak, memoryOf(child.pid ?? 0, 'VmHWM') ?? 0);
  }, SAMPLE_EVERY_MS);
  const [code] = await once(child, 'close').finally(() => clearInterval(sampling));
  if (code !== 0) throw new Error(`${command} ${args[0]} failed (${code}): ${await complaint}`);
  return { stdout, milliseconds: performance.now() - begun, peak };
}

async function collect({ stderr }: ChildProcess): Promise<string> {
  let text = '';
  stderr?.setEncoding('utf8').on('data', (more: string) => {
    text = (text + more).slice(-4000);
  });
  if (stderr !== null) await once(stderr, 'close');
  return text;
}

/** Resident memory of a process, in MiB; undefined where the system does not say. */
export function residentMemory(pid: number): number | undefined {
  return memoryOf(pid, 'VmRSS');
}

function memoryOf(pid: number, which: 'VmRSS' | 'VmHWM'): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kib = new RegExp(`^${which}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch {
    return undefined;
  }
}

/** A port of loopback that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** The children of a process. */
export function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

/** Resolves when somebody listens on this port of loopback; throws what connecting threw after so many tries, 50 ms apart. */
export async function untilListens(port: number, most: number): Promise<void> {
  for (let tries = 0; ; tries++)
    try {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.destroy();
      return;
    } catch (error) {
      if (tries === most) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

/** Resolves when the server at this URL answers anything; throws what fetching it threw after so many tries, 50 ms apart. */
export async function untilAnswers(url: string, most: number): Promise<void> {
  for (let tries = 0; ; tries++)
    try {
      await (await fetch(url)).arrayBuffer();
      return;
    } catch (error) {
      if (tries === most) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
}
