import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const summary = fileURLToPath(new URL('../../.ci/summary.mjs', import.meta.url));

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'verbatim-summary-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

type Status = 'passed' | 'failed' | 'skipped' | 'todo';

function file(name: string, statuses: readonly Status[], status: 'passed' | 'failed' = 'passed') {
  return {
    name: `/x/test/${name}.test.ts`,
    status,
    assertionResults: statuses.map((each) => ({ status: each, fullName: each })),
  };
}

/** The last line it prints, and its exit status. */
function summaryOf(report: unknown): Promise<readonly [string | undefined, number]> {
  const path = join(directory, 'report.json');
  if (report !== undefined) writeFileSync(path, JSON.stringify(report));
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [summary, path], (_, stdout) =>
      resolve([stdout.trimEnd().split('\n').at(-1), child.exitCode ?? -1]),
    );
  });
}

it('counts over all files', async () => {
  const report = { testResults: [file('unit/a', ['passed', 'passed']), file('unit/b', ['passed'])] };
  expect(await summaryOf(report)).toEqual(['3 passed, 0 failed, 0 skipped', 0]);
});

it('fails where a test failed', async () => {
  const report = { testResults: [file('unit/a', ['passed', 'failed'], 'failed')] };
  expect(await summaryOf(report)).toEqual(['1 passed, 1 failed, 0 skipped', 1]);
});

it('counts a file that could not be loaded as a failure', async () => {
  const report = { testResults: [file('unit/a', ['passed']), file('unit/b', [], 'failed')] };
  expect(await summaryOf(report)).toEqual(['1 passed, 1 failed, 0 skipped', 1]);
});

it.each(['interop/pip', 'unit/a'])('fails where a test of %s was skipped or left to do', async (name) => {
  const report = { testResults: [file(name, ['passed', 'skipped', 'todo'])] };
  expect(await summaryOf(report)).toEqual(['1 passed, 0 failed, 2 skipped', 1]);
});

it('does not mind that the judge beside the project is not there', async () => {
  const report = { testResults: [file('interop/contract', ['skipped'])] };
  expect(await summaryOf(report)).toEqual(['0 passed, 0 failed, 1 skipped', 0]);
});

it('fails where there is no report', async () => {
  expect(await summaryOf(undefined)).toEqual(['0 passed, 1 failed, 0 skipped', 1]);
});
