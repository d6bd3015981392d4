import { defineConfig } from 'vitest/config';

/** Where CI reads the real numbers from (.ci/run). */
const REPORT = 'node_modules/.cache/verbatim/test-report.json';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/interop/all/**'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    reporters: process.env['CI'] === undefined ? ['default'] : ['default', ['json', { outputFile: REPORT }]],
  },
});
