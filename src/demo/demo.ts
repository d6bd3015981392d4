import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errorLines } from '../app/words.ts';
import {
  explainBoth,
  installFirst,
  introduce,
  provenWhole,
  summarize,
  tellIndex,
  tellKept,
  tellMirror,
  tellWheels,
} from './acts.ts';
import { replayedIndex, replayedSnapshot, tamperedWheel } from './attacks-on-the-way.ts';
import {
  claimedThroughBins,
  claimedWithWrongKeys,
  newWheelAdded,
  seenWheelSwapped,
} from './attacks-with-online-keys.ts';
import { createNarrator, type Ending, type Narrator } from './narrate.ts';
import { findPip } from './pip.ts';
import { createPlainInstaller } from './plain-installer.ts';
import { createScene, type Scene } from './scene.ts';
import { buildUpstream, startDownstream } from './stage.ts';
import { gatherWheels } from './wheels.ts';

export interface DemoOptions {
  /** Stay until Ctrl-C, everything repaired. */
  readonly keep: boolean;
  /** The addresses as the last line of standard output; the story goes to standard error. */
  readonly json: boolean;
  /** Ask nobody for real wheels. */
  readonly offline: boolean;
}

/** `verbatim demo`: true where everything went as told. */
export async function demo({ keep, json, offline }: DemoOptions): Promise<boolean> {
  const narrator = createNarrator(json ? process.stderr : process.stdout);
  const folder = await mkdtemp(join(tmpdir(), 'verbatim-demo-'));
  const closers: Close[] = [() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })];
  const stop = untilInterrupted(closers);
  try {
    introduce(narrator, folder);
    const scene = await setTheScene(narrator, folder, offline, stop.signal, closers);
    await play(scene);
    if (json) process.stdout.write(`${addresses(scene)}\n`);
    if (keep) {
      tellKept(scene);
      await stop.interrupted;
    }
    return narrator.failures.length === 0;
  } catch (error) {
    narrator.say(stop.signal.aborted ? 'Stopped.' : `The demo cannot go on: ${errorLines(error).join(' ')}`);
    return false;
  } finally {
    for (const close of closers.reverse()) await close();
    stop.forget();
  }
}

type Close = () => unknown;

async function setTheScene(
  narrator: Narrator,
  folder: string,
  offline: boolean,
  signal: AbortSignal,
  closers: Close[],
): Promise<Scene> {
  narrator.step('Wheels');
  const pip = await findPip({ folder, signal });
  const installer = pip === undefined ? createPlainInstaller(signal) : { ...pip, name: 'pip' };
  const wheels = await gatherWheels({ pip: offline ? undefined : pip, folder });
  tellWheels(narrator, wheels, installer.name);

  narrator.step('An index that signs');
  const upstream = await buildUpstream(wheels, folder);
  closers.push(upstream.server.close);
  tellIndex(narrator, wheels, upstream);

  narrator.step('Verbatim before it');
  const downstream = await startDownstream(upstream, folder);
  closers.push(() => downstream.mirror.close());
  tellMirror(narrator, upstream, downstream);
  return createScene({ ...upstream, ...wheels, downstream, installer, narrator });
}

async function play(scene: Scene): Promise<void> {
  const { narrator } = scene;
  narrator.step('Installing through Verbatim');
  await installFirst(scene);
  narrator.step('What is vouched for, and by whom');
  await explainBoth(scene);
  const endings: Ending[] = [];
  const run = async (attacks: readonly ((scene: Scene) => Promise<Ending>)[]) => {
    for (const attack of attacks) {
      const before = narrator.failures.length;
      const ending = await attack(scene);
      const asTold = narrator.failures.length === before;
      endings.push(asTold ? ending : { ...ending, kind: 'failed', outcome: 'NOT as told: see above' });
    }
  };
  narrator.step('Attackers between the index and Verbatim');
  await run([tamperedWheel, replayedIndex, replayedSnapshot]);
  narrator.step("An attacker who holds the index's online keys");
  await run([claimedThroughBins, claimedWithWrongKeys, seenWheelSwapped, newWheelAdded]);
  narrator.step('Afterwards');
  await provenWhole(scene);
  narrator.step('In short');
  summarize(narrator, endings);
}

function addresses({ server, downstream: { mirror, simple }, rootPath }: Scene): string {
  return JSON.stringify({
    upstream: { pages: `${server.url}simple/`, metadata: `${server.url}metadata/`, targets: `${server.url}targets/` },
    mirror: { pages: simple, metadata: `${mirror.url}/tuf/metadata/`, targets: `${mirror.url}/tuf/targets/` },
    root: rootPath,
  });
}

interface Interruption {
  readonly signal: AbortSignal;
  /** Resolves at the first SIGINT or SIGTERM. */
  readonly interrupted: Promise<void>;
  readonly forget: () => void;
}

/** The first Ctrl-C ends the demo in order; a second one at once, leaving nothing on disk either. */
function untilInterrupted(closers: readonly Close[]): Interruption {
  const controller = new AbortController();
  const { promise: interrupted, resolve } = Promise.withResolvers<void>();
  const onSignal = () => {
    if (controller.signal.aborted) {
      closers[0]?.();
      process.exit(1);
    }
    controller.abort();
    resolve();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    interrupted,
    forget: () => process.off('SIGINT', onSignal).off('SIGTERM', onSignal),
  };
}
