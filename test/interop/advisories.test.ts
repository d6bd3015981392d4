import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { affects } from '../../src/advisories/affected.ts';
import { readAdvisory } from '../../src/advisories/record.ts';
import { existing } from '../../src/bytes/existing.ts';
import { advisory } from '../support/advisories.ts';
import { dice } from '../support/dice.ts';
import { packaging } from '../support/environments.ts';
import { clientEnvironment, requirePart } from '../support/python.ts';

// OSV's evaluation, written again in Python on packaging's versions, beside ours, of thousands of advisories made at random.

const JUDGE = fileURLToPath(new URL('advisories.py', import.meta.url));
/** Fixed, so that a difference found is found again. */
const SEED = Number(process.env['VERBATIM_TEST_SEED'] ?? 917);
const CASES = Number(process.env['VERBATIM_TEST_CASES'] ?? 4000);

const bin = await packaging();
const roll = dice(SEED);
const oneOf = <T>(all: readonly T[]): T => all[roll(all.length)] as T;
const several = <T>(most: number, make: () => T): T[] => Array.from({ length: roll(most + 1) }, make);

const part = () => oneOf(['0', '1', '2', '3', '10']);
const version = () =>
  oneOf(['', '', '', '', '1!']) +
  [part(), ...several(2, part)].join('.') +
  oneOf(['', '', '', 'a1', 'b2', 'rc1', '-rc.1']) +
  oneOf(['', '', '', '.post1', '-2']) +
  oneOf(['', '', '', '.dev1']) +
  oneOf(['', '', '', '', '+local.1']);

const range = () => {
  const end = oneOf(['fixed', 'last_affected']);
  const introduced = { introduced: roll(3) === 0 ? '0' : version() };
  const more = several(4, () => ({ [oneOf(['introduced', end])]: version() }));
  const limits = roll(6) === 0 ? [{ limit: roll(4) === 0 ? '*' : version() }] : [];
  const events = [introduced, ...more, ...limits].sort(() => roll(3) - 1);
  return { type: 'ECOSYSTEM', events };
};

async function judged(python: string, cases: unknown): Promise<readonly (readonly boolean[])[]> {
  const child = spawn(join(python, 'python'), [JUDGE], {
    env: clientEnvironment(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify(cases));
  return JSON.parse(await text(child.stdout));
}

describe.runIf(requirePart('the environment packaging', bin))('beside packaging', () => {
  it('advisories speak of the same versions', async () => {
    const cases = Array.from({ length: CASES }, () => {
      const said = { versions: several(3, version), ranges: [range(), ...several(1, range)] };
      return [said, Array.from({ length: 6 }, version)] as const;
    });
    const theirs = await judged(existing(bin, 'the environment'), cases);
    const ours = cases.map(([said, versions]) => {
      const read = readAdvisory(Buffer.from(JSON.stringify(advisory('PYSEC-1', 'demo', said))));
      return versions.map(affects(existing(read.affected[0], 'what is affected')));
    });
    const differ = cases.filter((_, at) => JSON.stringify(ours[at]) !== JSON.stringify(theirs[at]));
    expect(differ.map((each) => JSON.stringify(each))).toEqual([]);
    const share = theirs.flat().filter((each) => each).length / theirs.flat().length;
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.8);
  }, 120_000);
});
