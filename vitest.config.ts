import { defineConfig } from 'vitest/config';

/** Where CI reads the real numbers from (.ci/run). */
const REPORT = 'node_modules/.cache/verbatim/test-report.json';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 22)) {
  console.error(
    `The tests need node 22.22 or newer, and this is node ${process.versions.node}. A checkout brings one along: run "npm rebuild node" where it was installed with --ignore-scripts, and start the tests with npm.`,
  );
  process.exit(1);
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/interop/all/**'],
    // Node runs the tests as it runs the program, so that coverage speaks of one text in workers, threads and child processes.
    experimental: { viteModuleRunner: false },
    setupFiles: ['test/support/take-coverage.ts'],
    // What comes to an end does so long before, on the busiest machine; no test is about these.
    testTimeout: 120_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
    maxWorkers: 2,
    reporters: process.env['CI'] === undefined ? ['default'] : ['default', ['json', { outputFile: REPORT }]],
  },
});
