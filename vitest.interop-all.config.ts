import { defineConfig } from 'vitest/config';

/** Clients that need a toolchain of their own (go-tuf, tough); `npm run interop:all`. */
export default defineConfig({
  test: { include: ['test/interop/all/**/*.test.ts'], testTimeout: 600_000, hookTimeout: 600_000, maxWorkers: 1 },
});
