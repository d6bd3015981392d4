import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { BUILT_AT, VERSION } from '../../src/version.ts';

const manifest = (name: string) => JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'));

it('the version that the program states is the one of its package', () => {
  expect(VERSION).toBe(manifest('package.json').version);
  expect(VERSION).toBe(manifest('package-lock.json').version);
});

it('the package asks for the node that the program asks for', () => {
  const main = readFileSync(new URL('../../src/main.ts', import.meta.url), 'utf8');
  const wanted = manifest('package.json').engines.node.replace('>=', '');
  expect(main).toContain(`node ${wanted} or newer is needed`);
});

it('the earliest honest time lies behind us', () => {
  expect(BUILT_AT).toBeLessThan(Date.now() / 1000);
});
