import { defineConfig } from 'vitest/config';

/** What is too heavy for every day: clients with a toolchain of their own, devpi, bandersnatch, the whole contract; `npm run interop:all`. */
export default defineConfig({
  test: { include: ['test/interop/all/**/*.test.ts'], testTimeout: 600_000, hookTimeout: 600_000, maxWorkers: 1 },
});
