import { internalCaller } from '../async/caller.ts';
import { filePath, htmlPage } from '../repository/index-pages.ts';
import type { Ending } from './narrate.ts';
import { evilWheel, proofOf, type Scene, says, showAnswer, showPip } from './scene.ts';
import { ask } from './stage.ts';
import { requirement } from './wheels.ts';

// What somebody can do who has broken into the index itself and holds its online keys: he signs timestamp, snapshot and
// every bin, and everything he signs is valid. He does not hold the keys kept offline, nor any developer's.

/** Lists a wheel of his own for the claimed project in the bins that his keys do sign. */
export async function claimedThroughBins(scene: Scene): Promise<Ending> {
  const { cast, file, index, downstream, installer, narrator } = scene;
  const { repository, bins } = index;
  const victim = file(cast.claimedOlder);
  narrator.scene(`A wheel of ${cast.claimed.project} swapped: the claimed project`);
  const before = new Map(repository.files);
  const evil = await evilWheel(cast.claimedOlder, victim.filename);
  const forgedPage = Buffer.from(htmlPage(cast.claimed.project, [evil]));
  const forged: readonly (readonly [string, Uint8Array])[] = [
    [index.pagePath(cast.claimed.project), forgedPage],
    [filePath(evil), evil.bytes],
  ];
  for (const [path, bytes] of forged) repository.addTarget(bins.binOf(path), path, bytes);
  index.publish();
  narrator.fact(
    'attacker',
    `lists his own ${victim.filename} on a page of his own, and signs both, as the online keys allow, in the bins.`,
  );
  const refusal = await downstream.lookForNews();
  narrator.fact('Verbatim', refusal?.message ?? 'The new metadata is signed as it should be: accepted.');
  const run = await installer.download(downstream.simple, requirement(cast.claimedOlder));
  const direct = await ask(scene.fileUrl(evil));
  showPip(scene, run);
  narrator.fact('his wheel', `asked for at its own address: ${direct.line}`);
  narrator.fact(
    'why',
    `The index's offline keys hand ${cast.claimed.project} to its developer before the bins get a word: what the bins say of it is never looked at.`,
  );
  narrator.outcome(
    run.files.get(victim.filename) === proofOf(victim) && direct.status === 404,
    `Without effect: ${installer.name} got the file its developer signed.`,
    `${run.said}; ${says(direct)}`,
  );
  for (const [path] of forged) repository.removeTarget(bins.binOf(path), path);
  restoreTargets(repository.files, before);
  index.publish();
  await downstream.lookForNews();
  return {
    attack: 'claimed project: swapped in the bins',
    kind: 'refused',
    outcome: 'without effect: never consulted',
  };
}

/** Signs the developer's own role, with the only keys he has. */
export async function claimedWithWrongKeys(scene: Scene): Promise<Ending> {
  const { cast, file, index, downstream, installer, narrator, online, developer } = scene;
  const { repository } = index;
  const { project } = cast.claimed;
  const page = index.pagePath(project);
  const role = index.roleFor(project, page);
  const victim = file(cast.claimed);
  narrator.scene(`A wheel of ${project} swapped: the developer's role forged`);
  const before = new Map(repository.files);
  const evil = await evilWheel(cast.claimed, victim.filename);
  repository.signers.set(role, online.keys);
  repository.addTarget(role, filePath(evil), evil.bytes);
  repository.addTarget(role, page, Buffer.from(htmlPage(project, [evil])));
  index.publish();
  const version = repository.role(role).version;
  narrator.fact('attacker', `writes version ${version} of the role ${role} and signs it with the online keys.`);
  await downstream.lookForNews();
  const answer = await ask(`${downstream.mirror.url}/tuf/metadata/${version}.${role}.json`);
  showAnswer(scene, answer);
  const run = await installer.download(downstream.simple, requirement(cast.claimed));
  showPip(scene, run);
  narrator.fact('why', `Only the developer's own key counts for ${role}, and it was never on the index's machine.`);
  narrator.outcome(
    answer.status === 502 && answer.reason === 'threshold',
    'Refused: those keys do not sign there.',
    says(answer),
  );
  const got = run.files.get(victim.filename);
  narrator.outcome(
    got === undefined || got === proofOf(victim),
    `${installer.name} got ${got === undefined ? 'nothing rather than his wheel' : 'the file its developer signed'}.`,
    run.said,
  );
  repository.signers.set(role, developer.keys);
  repository.removeTarget(role, filePath(evil));
  repository.addTarget(role, page, index.page(project));
  restoreTargets(repository.files, before);
  index.publish();
  const healed = await downstream.lookForNews();
  const again = await ask(scene.fileUrl(victim));
  narrator.outcome(
    healed === undefined && again.sha256 === proofOf(victim),
    'The developer signs anew, and all is as it was.',
    says(again),
  );
  return { attack: "claimed project: developer's role forged", kind: 'refused', outcome: 'refused (threshold)' };
}

/** Swaps a wheel of an unclaimed project that this mirror has served before. */
export async function seenWheelSwapped(scene: Scene): Promise<Ending> {
  const { cast, file, index, downstream, installer, narrator } = scene;
  const victim = file(cast.seen);
  narrator.scene(`A wheel of ${cast.seen.project} swapped: unclaimed, but seen before`);
  const before = new Map(index.repository.files);
  index.upload(cast.seen.project, await evilWheel(cast.seen, victim.filename));
  index.publish();
  narrator.fact('attacker', `puts his own bytes under ${victim.filename} and signs page and file, validly.`);
  await downstream.lookForNews();
  const run = await installer.download(downstream.simple, requirement(cast.seen));
  const direct = await ask(scene.fileUrl(victim));
  showPip(scene, run);
  narrator.fact('Verbatim', `at the file's address, as a lock file has it: ${direct.line}`);
  narrator.fact(
    'why',
    'No signature is wrong here. But Verbatim noted the digest when it first saw the name, and a published file never changes.',
  );
  narrator.outcome(
    !run.ok && direct.status === 403 && direct.reason === 'changed',
    'Refused: the file is withheld until the index lists the first bytes again.',
    `${run.said}; ${says(direct)}`,
  );
  restoreTargets(index.repository.files, before);
  index.upload(cast.seen.project, victim);
  index.publish();
  await downstream.lookForNews();
  const again = await ask(scene.fileUrl(victim));
  narrator.outcome(
    again.sha256 === proofOf(victim),
    'The index repaired, the same address gives the genuine file.',
    says(again),
  );
  return { attack: 'unclaimed project: a wheel seen before, swapped', kind: 'refused', outcome: 'refused (changed)' };
}

/** Publishes a release that never was. */
export async function newWheelAdded(scene: Scene): Promise<Ending> {
  const { cast, index, downstream, installer, narrator } = scene;
  const release = { project: cast.seen.project, version: '99.0' };
  narrator.scene(`A new wheel added to ${release.project}: unclaimed, the limit of all this`);
  const before = new Map(index.repository.files);
  const evil = await evilWheel(release);
  index.upload(release.project, evil);
  index.publish();
  narrator.fact('attacker', `uploads ${evil.filename} and signs it, validly, as every new upload is signed.`);
  await downstream.lookForNews();
  const run = await installer.install(downstream.simple, [release.project]);
  showPip(scene, run);
  narrator.fact(
    'why',
    `To Verbatim this is a new release like any other. explain said so above: whoever steals the online keys can sign a new file for ${release.project}. So it is with an old file that this mirror never saw listed.`,
  );
  const { forgeableOnline } = await downstream.index.explain(release.project, internalCaller(downstream.index.name));
  narrator.limit(
    run.ok && run.said.includes('99.0') && forgeableOnline.length > 0,
    "NOT DETECTED: it installs. Only a claim helps here: a project signed by its developer's own key.",
    run.said,
  );
  index.remove(release.project, evil.filename);
  restoreTargets(index.repository.files, before);
  index.publish();
  await downstream.lookForNews();
  return {
    attack: 'unclaimed project: a new wheel added',
    kind: 'limit',
    outcome: 'NOT DETECTED, as explain had said',
  };
}

/** The files that targets are, as they were before; signed metadata keeps its history. */
function restoreTargets(files: Map<string, Uint8Array>, before: ReadonlyMap<string, Uint8Array>): void {
  for (const name of [...files.keys()].filter((name) => name.startsWith('targets/'))) {
    const bytes = before.get(name);
    if (bytes === undefined) files.delete(name);
    else files.set(name, bytes);
  }
}
