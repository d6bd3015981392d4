import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

/**
 * For the day's work, under a minute: unit tests and the rules of the house, without those that try thousands of documents
 * or pages of PyPI's largest size (`npm run test:quick`).
 */
export default defineConfig({
  test: {
    ...base.test,
    include: ['test/unit/**/*.test.ts', 'test/architecture/**/*.test.ts'],
    exclude: ['test/unit/tuf/{mutation,canonical,canonical-source}.test.ts', 'test/unit/workers/page-work.test.ts'],
  },
});
