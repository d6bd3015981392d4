import { explanationLines } from '../app/explanation-text.ts';
import { internalCaller } from '../async/caller.ts';
import type { Ending, Narrator } from './narrate.ts';
import { proofOf, type Scene, showPip } from './scene.ts';
import { ask, BINS, type Downstream, type Upstream } from './stage.ts';
import { requirement, type Wheels } from './wheels.ts';

// What the demo shows before and after the attacks.

export function introduce(narrator: Narrator, folder: string): void {
  narrator.title('Verbatim: a demo');
  narrator.say(
    'A small Python package index, signed as PEP 458 and PEP 480 describe; Verbatim as a mirror before it; pip installing through the mirror; and attackers who try to slip something in between.',
  );
  narrator.say(`All of it runs on this machine only, in ${folder}, which is removed at the end.`);
}

export function tellWheels(narrator: Narrator, { cast, made, because }: Wheels, installer: string): void {
  const releases = Object.values(cast).map(requirement).join(', ');
  if (!made) narrator.say(`pip fetched real wheels: ${releases}.`);
  else narrator.say(`Small wheels, made here for the occasion: ${releases}.`);
  if (because !== undefined) narrator.say(`(No real ones can be had from here: pip says "${because}")`);
  if (!installer.startsWith('pip'))
    narrator.say(
      "There is no python3 with pip here: a small client of the demo's own sends the requests that pip would send.",
    );
}

export function tellIndex(narrator: Narrator, { cast }: Wheels, { server }: Upstream): void {
  narrator.say(
    'Signed lists name every page, every file and its metadata, with length, SHA-256 and SHA-512. A chain of keys signs the lists, and what matters is where each key is kept:',
  );
  narrator.fact(
    'offline',
    'root (3 keys, 2 must sign) names all others; targets, and the delegations to claimed projects and to the bins, have a key each.',
  );
  narrator.fact(
    'online',
    `1 key on the index's own machine signs each upload at once: timestamp, snapshot, and ${BINS} bins, which are lists that share all other projects among them.`,
  );
  narrator.fact(
    'developer',
    `The author of ${cast.claimed.project} has claimed the project: only this key signs for it.`,
  );
  narrator.fact('the index', server.url);
}

export function tellMirror(narrator: Narrator, { rootPath }: Upstream, downstream: Downstream): void {
  narrator.say(
    'The same program as `verbatim serve`, told two things: where the index is, and its root of trust, the one file that has to be believed.',
  );
  narrator.fact('listens on', downstream.mirror.url);
  narrator.fact('pinned root', rootPath);
}

function linesToPaste({ cast, downstream, narrator }: Scene): void {
  narrator.quote(
    `pip install --index-url ${downstream.simple} ${cast.claimed.project}`,
    `uv pip install --default-index ${downstream.simple} ${cast.claimed.project}`,
  );
}

export function tellKept(scene: Scene): void {
  const { narrator, server, rootPath, downstream } = scene;
  narrator.step('Kept running until Ctrl-C');
  narrator.say('Install through it:');
  linesToPaste(scene);
  narrator.say('Or with a TUF client, through Verbatim or straight from the index:');
  narrator.fact('mirror', `${downstream.mirror.url}/tuf/metadata/ and ${downstream.mirror.url}/tuf/targets/`);
  narrator.fact('index', `${server.url}metadata/ and ${server.url}targets/`);
  narrator.fact('root', rootPath);
}

export async function installFirst(scene: Scene): Promise<void> {
  const { cast, file, downstream, installer, narrator } = scene;
  narrator.say('Lines to paste, while the demo runs (with --keep, until Ctrl-C):');
  linesToPaste(scene);
  const run = await installer.install(downstream.simple, [requirement(cast.claimed), requirement(cast.seen)]);
  showPip(scene, run);
  const answers = await Promise.all(
    [cast.claimed, cast.seen].map(async (release) => {
      const wheel = file(release);
      return { wheel, answer: await ask(scene.fileUrl(wheel)) };
    }),
  );
  narrator.outcome(
    run.ok && answers.every(({ wheel, answer }) => answer.sha256 === proofOf(wheel)),
    'Installed through Verbatim; each file is, byte for byte, the one that was uploaded.',
    run.said,
  );
}

export async function explainBoth({ cast, downstream, narrator }: Scene): Promise<void> {
  const now = Math.floor(Date.now() / 1000);
  narrator.say('Before anything happens, Verbatim can be asked what each project rests on.');
  for (const { project } of [cast.claimed, cast.seen]) {
    const explanation = await downstream.index.explain(project, internalCaller(downstream.index.name));
    narrator.scene(`verbatim explain ${project}`);
    narrator.quote(...explanationLines(explanation, now));
    const claimed = project === cast.claimed.project;
    narrator.outcome(
      claimed === (explanation.forgeableOnline.length === 0),
      claimed
        ? 'Claimed: stolen online keys are not enough.'
        : 'Unclaimed: stolen online keys are enough for a new file.',
      `online keys suffice in: ${explanation.forgeableOnline.join(', ') || 'none'}`,
    );
  }
}

/** After the attacks: everything is genuine again, and what Verbatim hands on is what the index signed, byte for byte. */
export async function provenWhole(scene: Scene): Promise<void> {
  const { cast, file, index, downstream, installer, narrator } = scene;
  index.publish();
  const refusal = await downstream.lookForNews();
  narrator.outcome(
    refusal === undefined,
    'The attacks are over, and Verbatim follows the index again.',
    refusal?.message,
  );
  const run = await installer.install(downstream.simple, [requirement(cast.claimed), requirement(cast.seen)]);
  narrator.outcome(run.ok, 'Everything installs as before.', run.said);
  const { files, snapshot, roles } = index.repository;
  const names = [
    'timestamp.json',
    '1.root.json',
    `${snapshot.version}.snapshot.json`,
    ...[...roles].filter(([, { targets }]) => targets.size > 0).map(([name, { version }]) => `${version}.${name}.json`),
  ];
  const differing: string[] = [];
  for (const name of names) {
    const { sha256 } = await ask(`${downstream.mirror.url}/tuf/metadata/${name}`);
    if (sha256 !== proofOf({ filename: name, bytes: files.get(`metadata/${name}`) ?? new Uint8Array() }))
      differing.push(name);
  }
  for (const release of Object.values(cast)) {
    const wheel = file(release);
    if ((await ask(scene.fileUrl(wheel))).sha256 !== proofOf(wheel)) differing.push(wheel.filename);
  }
  narrator.outcome(
    differing.length === 0,
    `${names.length} metadata files and ${Object.keys(cast).length} wheels asked of both: the mirror's are the index's own, byte for byte. A TUF client behind Verbatim checks the index's signatures itself.`,
    differing.join(', '),
  );
  narrator.outcome(downstream.faults.length === 0, 'Verbatim met no fault of its own.', downstream.faults[0]);
}

export function summarize(narrator: Narrator, endings: readonly Ending[]): void {
  narrator.table(endings);
  narrator.say('');
  narrator.say(
    narrator.failures.length === 0
      ? 'Everything went as told. To try it yourself, --keep leaves index and mirror running.'
      : `${narrator.failures.length} of the things told above did not happen: this demo FAILED.`,
  );
}
