import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** A `verbatim serve` of its own process and data directory. Its URLs end with a slash. */
export interface RunningVerbatim {
  readonly simple: string;
  readonly metadata: string;
  readonly targets: string;
  /** Where its metrics are, with --admin-port. */
  readonly metrics: string | undefined;
  readonly data: string;
  /** What it logged so far. */
  readonly log: () => string;
  readonly pid: number;
  /** False once the process has ended, whoever ended it. */
  readonly alive: () => boolean;
  /** Stops it; the data directory goes with it, unless it was given. */
  readonly close: () => Promise<void>;
}

/** What `verbatim ARGS` said and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What runs it, this process's own node by default, and variables beside what this process has. */
interface Running {
  readonly node?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

function start(args: readonly string[], { node = process.execPath, env = {} }: Running = {}): ChildProcess {
  const own = Object.entries(process.env).filter(([name]) => !/^VERBATIM_|_proxy$/i.test(name));
  const child = spawn(node, [MAIN, ...args], {
    env: { ...Object.fromEntries(own), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

/** Whatever becomes of the test, its processes end with it. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

function collected(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString('utf8');
}

/** `verbatim ARGS` to its end. */
export function verbatim(...args: readonly string[]): Promise<Ended> {
  return ended(start(args), '');
}

/** A `verbatim ARGS` that runs, and may be killed. */
export function startCommand(args: readonly string[]): {
  readonly pid: number;
  kill(): void;
  readonly ended: Promise<Ended>;
} {
  const child = start(args);
  return { pid: child.pid ?? 0, kill: () => void child.kill('SIGKILL'), ended: ended(child, '') };
}

/** The same with something on its standard input. */
export function verbatimTold(input: string, ...args: readonly string[]): Promise<Ended> {
  return ended(start(args), input);
}

/** The same with variables of its own. */
export function verbatimWith(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Ended> {
  return ended(start(args, { env }), '');
}

/** How far a sync, an export or an import has come: said every ten seconds, so on a busy machine alone. */
const PROGRESS =
  /^(?:\d+ of \d+ (?:contents|files), [\d.]+ MB of .*|[\d.]+ MB of [\d.]+ MB written.*|\d+ pages, documents and files looked at)\n/gm;

async function ended(child: ChildProcess, input: string): Promise<Ended> {
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  const stdout = collected(child.stdout);
  const stderr = collected(child.stderr);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout: stdout(), stderr: stderr().replaceAll(PROGRESS, '') };
}

/** `verbatim serve FLAGS` on a free port of loopback, once it listens. */
export async function startVerbatim(flags: readonly string[], given?: string, how?: Running): Promise<RunningVerbatim> {
  const data = given ?? (await mkdtemp(join(tmpdir(), 'verbatim-data-')));
  const port = flags.includes('--port') ? [] : ['--port', '0'];
  const child = start(['serve', '--json', '--data', data, ...port, ...flags], how);
  const log = collected(child.stderr);
  const ended = once(child, 'close');
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    if (given === undefined) await rm(data, { recursive: true, force: true });
  };
  if (child.stdout === null) throw new Error('no standard output');
  const line = createInterface(child.stdout);
  const said = await Promise.race([once(line, 'line').then(([text]) => String(text)), ended.then(() => undefined)]);
  if (said === undefined) throw new Error(`verbatim serve ended before it listened: ${log()}`);
  const { simple, metadata, targets, metrics } = JSON.parse(said) as Pick<
    RunningVerbatim,
    'simple' | 'metadata' | 'targets' | 'metrics'
  >;
  const alive = () => child.exitCode === null && child.signalCode === null;
  return { simple, metadata, targets, metrics, data, log, pid: child.pid ?? 0, alive, close: stop };
}
