import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashPassword } from '../../src/http/access/passwords.ts';
import { pipOf2023, pipOfToday, pipTools, uv } from '../support/environments.ts';
import { freePort } from '../support/free-port.ts';
import { clientEnvironment, notice, PYTHON, requirePart } from '../support/python.ts';
import { startVerbatim } from '../support/verbatim.ts';
import notJudged from './contract-not-judged.json' with { type: 'json' };

// A judge of what installers ask of an index, kept beside the project and not part of it: it starts a fake index and a
// mirror of it, asks the mirror everything, and says of each check whether it passed.

/** The one that lies beside the project, in whatever folder. */
const JUDGE = await judgeBeside(fileURLToPath(new URL('../../../', import.meta.url)));
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const MOST_MILLISECONDS = 25 * 60_000;

async function judgeBeside(parent: string): Promise<string | undefined> {
  const judges = (await readdir(parent)).map((name) => join(parent, name, 'contract', 'contract.py'));
  return judges.find((path) => existsSync(path));
}

/** How the judge is told of real clients; undefined where one of them, or the judge, is not there. Says so aloud. */
export async function clientsOfJudge(): Promise<readonly string[] | undefined> {
  if (JUDGE === undefined) {
    notice('No judge (contract/contract.py) lies beside the project: what installers rely on is NOT JUDGED.');
    return undefined;
  }
  const [old, today, ofUv, tools] = await Promise.all([pipOf2023(), pipOfToday(), uv(), pipTools()]);
  if (!requirePart('pip 23.2.1', old) || !requirePart('pip', today)) return undefined;
  if (!requirePart('uv', ofUv) || !requirePart('pip-tools', tools)) return undefined;
  return [
    ...[old, today].flatMap((bin) => ['--pip', `${quoted(join(bin, 'python'))} -m pip`]),
    ...['--uv', quoted(join(ofUv, 'uv')), '--pip-compile', quoted(join(tools, 'pip-compile'))],
  ];
}

/** Checks that this mirror, or any black box, cannot be asked; whatever else the judge does not ask is a failure. */
export const NOT_JUDGED: ReadonlyMap<string, string> = new Map(Object.entries(notJudged));

export interface Check {
  readonly no: string;
  readonly statement: string;
  readonly result: 'pass' | 'fail' | 'n/a';
  readonly why: string;
  readonly seconds: number;
}

export interface Asking {
  /** Of `clientsOfJudge`. */
  readonly clients: readonly string[];
  /** Checks with these tags are left out, and are not in the answer. */
  readonly skipTags?: readonly string[];
  /** File URLs on an origin of their own, as PyPI's are; it cannot be told beforehand to the mirror that asks who reads. */
  readonly split?: boolean;
}

/** What the judge says of `verbatim serve` before its fake index. */
export async function judge({ clients, skipTags = [], split = false }: Asking): Promise<readonly Check[]> {
  const work = await mkdtemp(join(tmpdir(), 'verbatim-contract-'));
  const port = await freePort();
  const guarded = await startGuarded(work, `http://127.0.0.1:${port}/simple/`);
  try {
    const answer = join(work, 'answer.json');
    const args = [
      ...['--base', 'http://127.0.0.1:{port}/simple/', '--launch', LAUNCH, '--upstream-port', String(port)],
      ...['--auth-base', guarded.simple, '--auth-user', `${USER}:${PASSWORD}`, '--work', work, '--json', answer],
      ...['--skip-tags', skipTags.join()],
      ...(split ? ['--split'] : []),
      ...clients,
    ];
    const said = await run(args);
    const text = await readFile(answer, 'utf8').catch(() => undefined);
    if (text === undefined) throw new Error(`the judge gave no answer: ${said}`);
    const { checks } = JSON.parse(text) as { readonly checks: readonly Check[] };
    return checks.filter(
      ({ statement, why }) => !why.startsWith('skipped by tag') && !(split && statement.startsWith('read auth')),
    );
  } finally {
    await guarded.close();
    await rm(work, { recursive: true, force: true });
  }
}

/** The check's number, what it asks and what went wrong, for each check that did not pass and may not be left out. */
export function faults(checks: readonly Check[]): readonly string[] {
  return checks
    .filter(({ no, result }) => result === 'fail' || (result === 'n/a' && !NOT_JUDGED.has(no)))
    .map(({ no, statement, result, why }) => `${no} ${result} ${statement}: ${why}`);
}

const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

const LAUNCH = [
  `exec ${quoted(process.execPath)} ${quoted(MAIN)} serve --upstream "$UPSTREAM/simple/" --data "$DATA/v"`,
  '--file-host "$UPSTREAM_FILES" --port "$PORT" --max-age "$TTL" --log-format json',
].join(' ');

const USER = 'ada';
const PASSWORD = 'correct horse battery staple';

/** A mirror of the same index that asks who reads. */
async function startGuarded(directory: string, upstream: string) {
  const config = join(directory, 'verbatim.yaml');
  await writeFile(join(directory, 'users'), `${USER}:${await hashPassword(PASSWORD)}\n`, { mode: 0o600 });
  await writeFile(
    config,
    JSON.stringify({ server: { auth: { htpasswd: 'users' } }, indexes: { main: { upstream, evidence: 'index' } } }),
  );
  return startVerbatim(['--config', config]);
}

/** Exit status 1 only says that a check failed, which the answer says better. */
function run(args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(
      PYTHON,
      [JUDGE ?? '', ...args],
      { env: clientEnvironment(), timeout: MOST_MILLISECONDS, maxBuffer: 16 * 1024 * 1024 },
      (_, stdout, stderr) => resolve(`${stdout}${stderr}`.slice(-2000)),
    );
  });
}
