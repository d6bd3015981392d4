import { writeFileSync } from 'node:fs';
import { beforeEach } from 'vitest';

// Says which test runs, to the probes of this process and of those that it starts.

const AT = new URL('../../checks-test', import.meta.url);
const inProcess = globalThis as { checksTest?: string };
say('');

function say(test: string): void {
  inProcess.checksTest = test;
  writeFileSync(AT, test);
}

beforeEach(({ task }) => {
  const names = [task.name];
  for (let suite = task.suite; suite !== undefined && suite.name !== ''; suite = suite.suite) names.unshift(suite.name);
  say(names.join(' '));
});
