import type { Ending } from './narrate.ts';
import { proofOf, type Scene, says, showAnswer, showPip } from './scene.ts';
import { ask, askUntilServed } from './stage.ts';
import { requirement } from './wheels.ts';

// What somebody can do who sits between the index and Verbatim (a network, a CDN, another mirror) and holds no key.

/** Changes a wheel that nobody here has seen before. */
export async function tamperedWheel(scene: Scene): Promise<Ending> {
  const { cast, file, server, downstream, installer, narrator } = scene;
  const wheel = file(cast.unseen);
  narrator.scene('A wheel changed on its way');
  narrator.fact('attacker', `changes one byte of ${wheel.filename} between the index and Verbatim.`);
  const changed = Uint8Array.from(wheel.bytes);
  const middle = changed.length >> 1;
  changed[middle] = (changed[middle] ?? 0) ^ 1;
  server.tamper(wheel.filename, changed);

  const answer = await ask(scene.fileUrl(wheel));
  const run = await installer.download(downstream.simple, requirement(cast.unseen));
  server.behave();
  showAnswer(scene, answer);
  showPip(scene, run);
  narrator.fact(
    'why',
    'The signed page states the digest of every file. Verbatim checks the whole file before the first byte leaves it.',
  );
  narrator.outcome(
    !run.ok && answer.status === 403 && answer.reason === 'digest',
    `Refused, and no changed byte reached ${installer.name}.`,
    says(answer),
  );
  const again = await askUntilServed(scene.fileUrl(wheel));
  narrator.outcome(
    again.sha256 === proofOf(wheel),
    'The attack over, the same address gives the genuine file.',
    says(again),
  );
  return { attack: 'a wheel changed on its way', kind: 'refused', outcome: 'refused (digest)' };
}

/** Hides a new release by answering with yesterday's index, every signature in it genuine. */
export async function replayedIndex(scene: Scene): Promise<Ending> {
  const { cast, file, index, server, downstream, installer, narrator } = scene;
  const update = file(cast.update);
  const yesterday = new Map(index.repository.files);
  narrator.scene('An old state of the index, replayed');
  index.upload(cast.update.project, update);
  index.publish();
  const first = await downstream.lookForNews();
  const before = await installer.download(downstream.simple, requirement(cast.update));
  narrator.fact('index', `publishes ${update.filename}, let us say a security fix.`);
  narrator.outcome(
    first === undefined && before.files.get(update.filename) === proofOf(update),
    `Verbatim finds it, proves it, and ${installer.name} downloads it.`,
    before.said,
  );
  narrator.fact(
    'attacker',
    'answers with a copy of the index from before, metadata and all, so that the fix stays unknown. Every signature in it is genuine and unexpired.',
  );
  server.replay(yesterday);
  const refusal = await downstream.lookForNews();
  const after = await installer.download(downstream.simple, requirement(cast.update));
  server.behave();
  narrator.fact('Verbatim', refusal?.message ?? 'accepted it');
  showPip(scene, after);
  narrator.fact(
    'why',
    'Versions of signed metadata only go up. What was accepted once is remembered, across restarts too.',
  );
  narrator.outcome(refusal?.reason === 'rollback', 'Refused.', refusal?.reason ?? 'it was accepted');
  narrator.outcome(
    after.files.get(update.filename) === proofOf(update),
    `Meanwhile Verbatim goes on serving what it had proved: ${installer.name} still gets the fix.`,
    after.said,
  );
  return { attack: 'an old state of the index, replayed', kind: 'refused', outcome: 'refused (rollback)' };
}

/** Lets the new timestamp through, and answers with an old snapshot under the new one's name. */
export async function replayedSnapshot(scene: Scene): Promise<Ending> {
  const { cast, file, index, server, downstream, narrator } = scene;
  const { snapshot, files } = index.repository;
  narrator.scene('An old snapshot under a new name');
  const old = files.get(`metadata/${snapshot.version}.snapshot.json`) ?? new Uint8Array();
  index.publish();
  narrator.fact(
    'attacker',
    `lets the newest timestamp through, which announces snapshot ${snapshot.version}, and answers with snapshot ${snapshot.version - 1} under its name.`,
  );
  server.tamper(`${snapshot.version}.snapshot.json`, old);
  const refusal = await downstream.lookForNews();
  server.behave();
  const after = await ask(scene.fileUrl(file(cast.update)));
  narrator.fact('Verbatim', refusal?.message ?? 'accepted it');
  narrator.fact(
    'why',
    'A snapshot must be the very one that the timestamp announces: old and new parts cannot be mixed.',
  );
  narrator.outcome(refusal?.reason === 'mix-and-match', 'Refused.', refusal?.reason ?? 'it was accepted');
  narrator.outcome(after.status === 200, 'What was proved before is served on.', says(after));
  const healed = await downstream.lookForNews();
  narrator.outcome(healed === undefined, 'The attack over, Verbatim follows the index again.', healed?.message);
  return { attack: 'an old snapshot under a new name', kind: 'refused', outcome: 'refused (mix-and-match)' };
}
