import { readdir } from 'node:fs/promises';
import { createClock } from '../support/clock.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type Mirror, type MirrorOptions, makeScratch, NOW, startMirror, unsignedConfig } from './mirror.ts';

/** A mirror of two indexes, and clients of many addresses. */
export interface CrowdRig extends Mirror {
  /** The index that honest clients read, at the root. */
  readonly main: FakePypi;
  /** The one that misbehaves, or is misused, at /other/. */
  readonly other: FakePypi;
  /** Nobody holds or waits for anything. */
  readonly isQuiet: () => boolean;
  /** Callers refused by any queue, by the index they asked. */
  readonly refused503: (index: string) => number;
}

/** File `n` of a project of its own, too large for the database of small files. */
export function wheelOf(n: number) {
  return tinyWheel(projectOf(n), '1.0', `${n} `.repeat(20_000));
}

export function projectOf(n: number): string {
  return `project${n}`;
}

/** Client `n`, counted from 0. */
export function addressOf(n: number): string {
  return `127.1.${Math.floor(n / 200)}.${(n % 200) + 1}`;
}

export interface CrowdRigOptions extends Pick<MirrorOptions, 'upstreamLimits' | 'maxBytes'> {
  /** Projects of each index. */
  readonly projects: number;
}

export async function startCrowdRig({ projects, ...options }: CrowdRigOptions): Promise<CrowdRig> {
  const [main, other] = [await startFakePypi(), await startFakePypi()];
  for (let n = 0; n < projects; n++) for (const pypi of [main, other]) pypi.upload(projectOf(n), wheelOf(n));
  const config = (name: string, pypi: FakePypi) =>
    unsignedConfig({ name, upstream: `${pypi.url}simple/`, fileHosts: [`127.0.0.1:${pypi.files.port}`] });
  const mirror = await startMirror({
    ...options,
    scratch: await makeScratch(),
    clock: createClock(NOW),
    indexes: () => [config('main', main), config('other', other)],
  });
  return {
    ...mirror,
    main,
    other,
    isQuiet: () => mirror.queues().every(({ gate: { usage } }) => usage.busy === 0 && usage.waiting === 0),
    refused503: (index) => mirror.queues().reduce((sum, { gate }) => sum + (gate.report().refused.get(index) ?? 0), 0),
    async close() {
      await Promise.all([main.close(), other.close()]);
      await mirror.close();
    },
  };
}

/** Files and sockets that this process has open. */
export async function descriptors(): Promise<number> {
  return (await readdir('/proc/self/fd')).length;
}
