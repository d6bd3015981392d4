import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { makeScratch } from '../rigs/mirror.ts';
import { DAY } from '../support/clock.ts';
import { dice } from '../support/dice.ts';
import { startFakePypi } from '../support/fake-pypi.ts';
import { Sender, signingKey } from '../support/sender.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startCommand, startVerbatim, verbatim } from '../support/verbatim.ts';

// Processes of `verbatim export` and `verbatim import` that are killed at moments drawn at random, and run again.

/** Processes that are killed while they work. */
const KILLED = 3;
/** Some may have ended before. */
const MOST_ROUNDS = 12;
const WHEELS = 24;
const GENEROUS = 600_000;
const drawn = dice(20_261_126);
const WHEELS_OF_ALPHA = Array.from({ length: WHEELS }, (_, at) =>
  tinyWheel('alpha', `${at + 1}.0`, 'x'.repeat(at * 9000)),
);

let scratch: string;
beforeAll(async () => {
  scratch = await makeScratch();
});
afterAll(() => rm(scratch, { recursive: true }));

/** Everything below a directory, as long as it is. */
async function lengths(directory: string): Promise<string> {
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(directory, name)).then(
        (file) => file.size,
        () => 0,
      ),
    ),
  );
  return names.map((name, at) => `${name} ${sizes[at]}`).join('\n');
}

interface Run {
  /** Milliseconds from its first change of the directory to its end. */
  readonly working: number;
  readonly wasKilled: boolean;
}

/** Runs it, and kills it so many milliseconds after it began to change the directory. */
async function run(args: readonly string[], directory: string, killAfter?: number): Promise<Run> {
  const before = await lengths(directory);
  const { kill, ended } = startCommand(args);
  let isOver = false;
  const over = ended.finally(() => {
    isOver = true;
  });
  while (!isOver && (await lengths(directory)) === before) await moment(1);
  const began = performance.now();
  if (killAfter !== undefined && !isOver) {
    await Promise.race([moment(killAfter), over]);
    kill();
  }
  const { code } = await over;
  if (killAfter === undefined) expect(code).toBe(0);
  return { working: performance.now() - began, wasKilled: code === null };
}

function moment(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

it(
  'an import that is killed comes to the same end when it is run again, and nothing is damaged',
  async () => {
    const key = await signingKey();
    const sender = new Sender([key], Math.floor(Date.now() / 1000) - 5 * DAY);
    const config = async (name: string) => {
      const path = join(scratch, `${name}.yaml`);
      await writeFile(
        path,
        `data: ${join(scratch, name)}\nindexes:\n  main:\n    evidence: index\n    import:\n      keys: [{ name: outside, ed25519: ${key.public} }]\n`,
      );
      return path;
    };
    sender.put('alpha', ...WHEELS_OF_ALPHA.slice(0, 2));
    sender.put('beta', tinyWheel('beta'));
    const [first, second] = [join(scratch, '1.tar'), join(scratch, '2.tar')];
    await writeFile(first, (await sender.bundle()).whole);
    sender.put('alpha', ...WHEELS_OF_ALPHA.slice(1));
    sender.put('beta');
    await writeFile(second, (await sender.bundle({ since: 1 })).whole);
    await run(['import', first, '--config', await config('before')], join(scratch, 'before'));

    /** What is held, and what is served of it. */
    const stateOf = async (name: string) => {
      const from = ['--config', await config(name)];
      const verified = await verbatim('verify', '--json', ...from);
      expect([verified.code, JSON.parse(verified.stdout).wrong]).toEqual([0, []]);
      const receipt = join(scratch, `${name}.receipt`);
      expect((await verbatim('receipt', receipt, ...from)).code).toBe(0);
      const server = await startVerbatim(from, join(scratch, name));
      try {
        const alpha = await (await fetch(`${server.simple}alpha/`)).text();
        const beta = await fetch(`${server.simple}beta/`);
        return [sha256Hex(await readFile(receipt)), alpha, beta.status] as const;
      } finally {
        await server.close();
      }
    };
    const copied = (name: string) => cp(join(scratch, 'before'), join(scratch, name), { recursive: true });
    await copied('undisturbed');
    const { working } = await run(
      ['import', second, '--config', await config('undisturbed')],
      join(scratch, 'undisturbed'),
    );
    const wanted = await stateOf('undisturbed');
    let killed = 0;
    for (let round = 0; killed < KILLED; round++) {
      expect(round).toBeLessThan(MOST_ROUNDS);
      const name = `round-${round}`;
      await copied(name);
      const args = ['import', second, '--config', await config(name)];
      const { wasKilled } = await run(args, join(scratch, name), drawn(Math.ceil(working / (round + 1))));
      if (wasKilled) killed++;
      const again = await verbatim(...args);
      expect([round, again.code, again.stderr]).toEqual([round, 0, '']);
      expect([round, await stateOf(name)]).toEqual([round, wanted]);
    }
  },
  GENEROUS,
);

it(
  'an export that is killed shows nothing or all, and comes to the same bytes when it is run again',
  async () => {
    const pypi = await startFakePypi();
    for (const wheel of WHEELS_OF_ALPHA) pypi.upload('alpha', wheel);
    const outside = ['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`];
    const held = join(scratch, 'held');
    try {
      const server = await startVerbatim(outside, held);
      for (const path of ['alpha/', ...WHEELS_OF_ALPHA.map((wheel) => pypi.storedAt(wheel))])
        await (await fetch(new URL(path, server.simple))).arrayBuffer();
      await server.close();
    } finally {
      await pypi.close();
    }
    const key = join(scratch, 'key');
    await verbatim('keygen', key);
    const place = async (name: string) => {
      await cp(held, join(scratch, name, 'data'), { recursive: true });
      await mkdir(join(scratch, name, 'stick'));
      const stick = join(scratch, name, 'stick');
      const words = ['--key', key, '--data', join(scratch, name, 'data'), ...outside];
      return { directory: join(scratch, name), stick, args: ['export', stick, ...words] };
    };
    const shown = async (stick: string) => {
      const [name, ...others] = (await readdir(stick)).filter((each) => !each.startsWith('.'));
      if (name === undefined) return undefined;
      expect(others).toEqual([]);
      const files = (await readdir(join(stick, name))).sort();
      const digests = files.map(async (file) => `${file} ${sha256Hex(await readFile(join(stick, name, file)))}`);
      return [name, ...(await Promise.all(digests))];
    };
    const undisturbed = await place('export');
    const { working } = await run(undisturbed.args, undisturbed.directory);
    const wanted = await shown(undisturbed.stick);
    expect(wanted?.length).toBeGreaterThan(3);
    let killed = 0;
    for (let round = 0; killed < KILLED; round++) {
      expect(round).toBeLessThan(MOST_ROUNDS);
      const { directory, stick, args } = await place(`export-${round}`);
      const { wasKilled } = await run(args, directory, drawn(Math.ceil(working / (round + 1))));
      if (wasKilled) killed++;
      const now = await shown(stick);
      if (now === undefined) {
        // Where it had its number already, that number is made again.
        const numbered = await verbatim(...args, '--again', '1');
        if (numbered.code !== 0) expect((await verbatim(...args)).code).toBe(0);
      }
      expect([round, await shown(stick)]).toEqual([round, wanted]);
      const verified = await verbatim('verify', '--json', '--data', join(directory, 'data'), ...outside);
      expect([verified.code, JSON.parse(verified.stdout).wrong]).toEqual([0, []]);
    }
  },
  GENEROUS,
);
