// Counts what vitest's own reports say: `N passed, N failed, N skipped`, alone on the last line, after the name and
// message of each failure. A later report holds files that were run once more and replaces what an earlier one says of them.
// Fails where a test failed or was skipped, or where there is no report. One file may be skipped: its judge lies beside
// the project and is no part of it. With --failed it prints the files that failed, one a line.
import { existsSync, readFileSync } from 'node:fs';

const [first = '', ...rest] = process.argv.slice(2);
const onlyFailed = first === '--failed';
const reports = onlyFailed ? rest : [first, ...rest];
const MAY_BE_SKIPPED = '/test/interop/contract.test.ts';

const files = new Map();
const unsteady = [];
const failuresOf = ({ assertionResults }) => assertionResults.filter(({ status }) => status === 'failed');

function read(path) {
  for (const file of JSON.parse(readFileSync(path, 'utf8')).testResults) {
    const before = files.get(file.name);
    if (before?.status === 'failed' && file.status !== 'failed') unsteady.push(...failuresOf(before));
    files.set(file.name, file);
  }
}

const tests = { passed: 0, failed: 0, skipped: 0 };
const skipped = [];
const failures = [];

try {
  for (const path of reports) if (path === reports.at(-1) || existsSync(path)) read(path);
} catch (error) {
  failures.push({ fullName: 'no test report', failureMessages: [error.message] });
  tests.failed++;
}

for (const file of files.values()) {
  // A file that cannot be loaded holds no test and is a failure all the same.
  if (file.status === 'failed' && failuresOf(file).length === 0) {
    failures.push({ fullName: file.name, failureMessages: [file.message] });
    tests.failed++;
  }
  failures.push(...failuresOf(file));
  for (const { status, fullName } of file.assertionResults) {
    if (status === 'passed' || status === 'failed') tests[status]++;
    else {
      tests.skipped++;
      if (file.name.endsWith(MAY_BE_SKIPPED)) console.log(`skipped, its judge is not here: ${fullName}`);
      else skipped.push(fullName);
    }
  }
}

if (onlyFailed) {
  for (const file of files.values()) if (file.status === 'failed') console.log(file.name);
} else {
  for (const { fullName } of unsteady) console.log(`unsteady, it failed beside others and passed alone: ${fullName}`);
  for (const name of skipped) console.log(`skipped, which CI must not: ${name}`);
  for (const { fullName, failureMessages = [] } of failures)
    console.log(`failed: ${fullName}\n  ${failureMessages.join('\n').slice(0, 1500)}`);
  if (tests.failed > 0 || skipped.length > 0) process.exitCode = 1;
  console.log(`${tests.passed} passed, ${tests.failed} failed, ${tests.skipped} skipped`);
}
