import { childFile, run } from './processes.ts';

export interface Load {
  /** http: or https:, whose certificate is not looked at. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly connections: number;
  readonly seconds: number;
}

export interface Loaded {
  readonly answers: number;
  readonly perSecond: number;
}

/** Whether wrk makes the load; where it is not installed, a generator of our own does. */
export const hasWrk = await run('wrk', ['--version']).then(
  () => true,
  (error: unknown) => !(error instanceof Error && 'code' in error && error.code === 'ENOENT'),
);

/** Answers over connections that are kept alive, one request at a time on each; from a process of its own. */
export async function load(asked: Load): Promise<Loaded> {
  return hasWrk ? loadByWrk(asked) : loadByOwn(asked);
}

async function loadByWrk({ url, headers, connections, seconds }: Load): Promise<Loaded> {
  const headerArgs = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const { stdout } = await run('wrk', [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--timeout',
    '30s',
    ...headerArgs,
    url,
  ]);
  const rate = /^Requests\/sec:\s+([\d.]+)$/m.exec(stdout)?.[1];
  const answers = /^\s*(\d+) requests in /m.exec(stdout)?.[1];
  if (rate === undefined || answers === undefined || /Socket errors|Non-2xx/.test(stdout))
    throw new Error(`wrk ${url}:\n${stdout}`);
  return { answers: Number(answers), perSecond: Number(rate) };
}

async function loadByOwn({ url, headers, connections, seconds }: Load): Promise<Loaded> {
  const order = JSON.stringify({ url, headers, connections, seconds });
  const { stdout } = await run(process.execPath, [childFile('load.ts'), order]);
  return JSON.parse(stdout) as Loaded;
}
