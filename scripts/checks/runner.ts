import { join } from 'node:path';
import { createVitest, type TestSpecification } from 'vitest/node';

// Runs tests of the copy when it is told to, one file at a time; a process of its own, so that a test that hangs can be ended.

export interface Order {
  readonly file: string;
  /** The whole name of the one test to run. */
  readonly test?: string | undefined;
}

export interface Ran {
  /** Every test passed, and there was one. */
  readonly ok: boolean;
  readonly ms: number;
  /** The first that failed, or why none ran. */
  readonly failed: string | undefined;
}

const [copy = '.'] = process.argv.slice(2);
const vitest = await createVitest(
  'test',
  { root: copy, config: join(copy, 'vitest.config.ts'), watch: false, bail: 1, maxWorkers: 1, reporters: [{}] },
  {
    // A test that waits for what never comes without a check is given up soon.
    test: {
      setupFiles: [join(copy, 'scripts/checks/setup.ts')],
      testTimeout: 30_000,
      expect: { poll: { timeout: 10_000 } },
    },
  },
);
await vitest.standalone();

function specification({ file, test }: Order): TestSpecification {
  const only =
    test === undefined ? {} : { testNamePattern: new RegExp(`^${test.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`) };
  return vitest.getRootProject().createSpecification(join(copy, file), only);
}

async function run(order: Order): Promise<Ran> {
  const start = performance.now();
  const ran = specification(order);
  const { testModules: all, unhandledErrors } = await vitest.runTestSpecifications([ran]);
  // All that were ever run, as they ended last.
  const testModules = all.filter(({ moduleId }) => moduleId === ran.moduleId);
  const ms = performance.now() - start;
  const tests = testModules.flatMap((module) => [...module.children.allTests()]);
  const [failed] = tests.filter((test) => test.result().state === 'failed');
  const [wrong] = [
    ...testModules.flatMap((module) => module.errors().map(({ message }) => message)),
    ...unhandledErrors,
  ];
  const passed = tests.some((test) => test.result().state === 'passed');
  const why =
    failed?.fullName.replaceAll(' > ', ' ') ??
    (wrong === undefined ? undefined : String(wrong)) ??
    (passed ? undefined : 'no test ran');
  return { ok: why === undefined && testModules.every((module) => module.ok()), ms, failed: why ?? 'a hook' };
}

process.on('message', (order: Order) => {
  run(order).then(
    (ran) => process.send?.(ran),
    (error: unknown) => process.send?.({ ok: false, ms: 0, failed: String(error) } satisfies Ran),
  );
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
