import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeAll, beforeEach, type RunnerTask, type RunnerTestCase } from 'vitest';

// Says which test runs, to the probes of this process and of those that it starts. Where there is a plan, each test runs again for
// each check that the plan has for it, without that check; before the first of them and after the last once more with all.

const AT = new URL('../../', import.meta.url);
const PLAN = new URL('checks-plan.json', AT);
const TRIED = new URL('checks-tried', AT);
/** Of one test; the others are for other tests. */
const MOST_A_TEST = 40;
const HANGS = /timed out/i;

const inProcess = globalThis as { checksTest?: string; checksRemoved?: number | undefined };
const plan = existsSync(PLAN)
  ? (JSON.parse(readFileSync(PLAN, 'utf8')) as Readonly<Record<string, readonly number[]>>)
  : {};
const planned = new Map<RunnerTask, readonly number[]>();
const missed = new Set<number>();
say('');

function say(test: string): void {
  inProcess.checksTest = test;
  writeFileSync(new URL('checks-test', AT), test);
}

function nameOf(task: RunnerTask): string {
  const names = [task.name];
  for (let suite = task.suite; suite !== undefined && suite.name !== ''; suite = suite.suite) names.unshift(suite.name);
  return names.join(' ');
}

function* testsIn(tasks: readonly RunnerTask[]): Generator<RunnerTestCase> {
  for (const task of tasks)
    if (task.type === 'suite') yield* testsIn(task.tasks);
    else yield task;
}

/** What was missed already is tried in no other test. */
function planAll(tasks: readonly RunnerTask[]): void {
  for (const test of testsIn(tasks)) {
    if (test.result !== undefined) continue;
    const checks = (plan[nameOf(test)] ?? []).filter((check) => !missed.has(check)).slice(0, MOST_A_TEST);
    planned.set(test, checks);
    test.repeats = checks.length === 0 ? 0 : checks.length + 2;
  }
}

// biome-ignore lint/correctness/noEmptyPattern: Vitest reads from the pattern which fixtures are wanted.
beforeAll(({}, { file }) => planAll(file.tasks));

beforeEach(({ task }) => {
  say(nameOf(task));
  const check = planned.get(task)?.[(task.result?.repeatCount ?? 0) - 2];
  if (check !== undefined) appendFileSync(TRIED, `${check}\tbegins\t${nameOf(task)}\n`);
  inProcess.checksRemoved = check;
});

afterEach(({ task }) => {
  const { result } = task;
  const [error] = result?.errors ?? [];
  const { checksRemoved: check } = inProcess;
  inProcess.checksRemoved = undefined;
  if (result === undefined || result.repeatCount === undefined || (planned.get(task) ?? []).length === 0) return;
  const tell = (end: string) => appendFileSync(TRIED, `${check ?? ''}\t${end}\t${nameOf(task)}\n`);
  if (check !== undefined) {
    tell(error === undefined ? 'passes' : 'misses');
    if (error !== undefined) missed.add(check);
  } else if (error !== undefined && result.repeatCount > 0) tell('differs');
  else if (error !== undefined) return;
  // What it was at when it was given up goes on, and would disturb all that comes.
  if (HANGS.test(error?.message ?? '')) process.exit(1);
  if (error !== undefined) result.state = 'pass';
  delete result.errors;
  planAll(task.file.tasks);
});
