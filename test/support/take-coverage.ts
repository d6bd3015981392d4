import { takeCoverage } from 'node:v8';
import { afterAll } from 'vitest';

// A worker of vitest is ended before it could write what ran in it; child processes and threads write theirs themselves.
if (process.env['NODE_V8_COVERAGE'] !== undefined) afterAll(() => takeCoverage());
