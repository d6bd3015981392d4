import { internalCaller } from '../../async/caller.ts';
import { type Instant, instantText, untilText } from '../../bytes/instant.ts';
import type { Config, IndexConfig } from '../../config/config.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import { type Finding, findingsIn, withoutLogin, wordsOf } from './finding.ts';
import type { TrialMirror } from './trial-mirror.ts';

const { good, note, warning, error } = findingsIn('upstream');
const clock = findingsIn('clock');

/** Root metadata is signed by people, which takes them days. Seconds. */
const ROOT_SOON = 14 * 86_400;

/** Asks each index once what it is like, as a start does. `sample`: a project to look at, where the index has no list to find one in. */
export async function examineUpstream(
  config: Config,
  trial: TrialMirror,
  sample: (index: PackageIndex) => Promise<unknown>,
): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for (const index of trial.composition.indexes) {
    const of = config.indexes[index.name];
    if (of === undefined) continue;
    if (config.offline || of.import !== undefined)
      found.push(note('upstream', `${index.name}: nobody is asked (${config.offline ? 'offline' : 'import'}).`));
    else if (index.signed === undefined) found.push(...(await unsigned(index, of, trial, sample)));
    else found.push(...(await signed(index, index.signed, trial)));
  }
  return found;
}

async function signed(
  index: PackageIndex,
  repository: NonNullable<PackageIndex['signed']>,
  { composition }: TrialMirror,
): Promise<readonly Finding[]> {
  const { name } = index;
  try {
    await repository.refresh({ caller: internalCaller(name) });
  } catch (cause) {
    return [
      error(
        'upstream',
        `${name}: ${wordsOf(cause)}`,
        'docs/trust.md tells of each reason; "verbatim serve" follows newer roots by itself where the chain from the pinned one is whole.',
      ),
    ];
  }
  const now = composition.clock.now();
  const { roles, upstream } = await index.status();
  const chain = roles.map(
    ({ role, version, signed: by, threshold, expires }) =>
      `${role} ${version} (${by} signed, ${threshold} needed, expires ${untilText(expires, now)})`,
  );
  return [
    good('upstream', `${name}: ${withoutLogin(upstream)} is signed from the pinned root on: ${chain.join(', ')}.`),
    ...roles.flatMap((role) => soon(name, role, now)),
  ];
}

function soon(
  index: string,
  { role, expires }: { readonly role: string; readonly expires: Instant },
  now: Instant,
): readonly Finding[] {
  if (role !== 'root' || expires - now > ROOT_SOON) return [];
  return [
    warning(
      'root-expires',
      `${index}: the root expires ${untilText(expires, now)} (${instantText(expires)}).`,
      'Ask its operators for the next one; see docs/runbooks/VerbatimRootExpiresSoon.md.',
    ),
  ];
}

async function unsigned(
  index: PackageIndex,
  of: IndexConfig,
  trial: TrialMirror,
  sample: (index: PackageIndex) => Promise<unknown>,
): Promise<readonly Finding[]> {
  const { name } = index;
  await index.introduce(internalCaller(name));
  const refused = trial.refused(name);
  if (refused.length > 0)
    return refused.map(({ message, reason }) =>
      error(
        'upstream',
        `${name}: ${message} [${reason}]`,
        'Look whether the address (upstream) is right, and at the setting that the message names, if it names one; try the address with curl from this machine.',
      ),
    );
  // Where there is no list to find a project in, the first page that comes is told of.
  await sample(index).catch(() => undefined);
  const details = trial.noted(name).map(({ detail }) => detail ?? {});
  const known = details.find((detail) => 'form' in detail);
  if (known === undefined)
    return [
      note(
        'upstream',
        `${name}: ${withoutLogin(of.upstream)} answers, and no page was there to look into.`,
        `Try one: "verbatim refresh ${name} PROJECT".`,
      ),
    ];
  const says = ['at', 'form', 'list', 'digests', 'core_metadata'].flatMap((key) =>
    known[key] === undefined ? [] : [`${key.replace('_', ' ')}: ${known[key]}`],
  );
  const strange = String(known['hosts_not_allowed'] ?? '');
  return [
    good('upstream', `${name}: ${withoutLogin(of.upstream)} answers as a package index (${says.join('; ')}).`),
    ...strange
      .split(' ')
      .filter(Boolean)
      .map((host) =>
        error(
          'file-host',
          `${name}: its pages name files on ${host}, where this mirror may not go.`,
          `If that is where the index keeps its files: file_hosts: [${host}] (--file-host ${host}).`,
        ),
      ),
  ];
}

/** This machine's clock beside those of upstreams, by their Date headers. */
export function examineClock({ composition }: TrialMirror): readonly Finding[] {
  const { clocks } = composition;
  const apart = clocks.look();
  const wrong = new Set(apart.map(({ index }) => index));
  return [
    ...apart.map(({ index, message }) =>
      clock.error(
        'clock',
        `${index}: ${message}`,
        'See "timedatectl", or whatever sets the time here: what expires is judged by it.',
      ),
    ),
    ...[...clocks.ahead]
      .filter(([index]) => !wrong.has(index))
      .map(([index, ahead]) =>
        clock.good(
          'clock',
          `It is within ${Math.max(1, Math.abs(ahead))} seconds of the clock of ${index}'s upstream.`,
        ),
      ),
  ];
}
