import { counted } from '../bytes/counted.ts';
import { dateText, untilText } from '../bytes/instant.ts';
import type { Explanation, Voucher } from '../mirror/package-index.ts';
import type { Pin } from '../ports/index-state.ts';
import { hintText, outOfReachText } from '../ports/left-out.ts';
import type { Oddity } from '../pypi/project-page.ts';
import { settingOf } from './policy/setting-of-rule.ts';

/** The same words, wherever they are shown. */
export interface ExplanationParts {
  readonly head: string;
  readonly carried: string | undefined;
  /** Who vouches for it, from the pinned root down; empty where nobody signed. */
  readonly vouchers: readonly string[];
  /** In what it is weaker than its index, wrapped to lines. */
  readonly weaker: readonly string[];
  /** What an attacker needs, wrapped to lines. */
  readonly forge: readonly string[];
  /** Of a file: its digests and its pin. */
  readonly facts: readonly string[];
  /** What rules say, and which setting would change that. */
  readonly rules: readonly string[];
  /** What is out of reach, and in what its page is odd. */
  readonly besides: readonly string[];
}

export function explanationParts(explanation: Explanation, now: number): ExplanationParts {
  const { name, project, kind, evidence, chain } = explanation;
  const how = howText(explanation);
  const listed = counted(explanation.files, 'file');
  const isSigned = evidence === 'tuf';
  return {
    head:
      kind === 'project'
        ? `${project}: a project with ${listed}, ${how}.`
        : `${name}: a file of the project ${project}, ${how}.`,
    carried: explanation.carried === undefined ? undefined : `It is ${explanation.carried.label}.`,
    vouchers: isSigned ? chain.map((voucher) => voucherText(voucher, now)) : [],
    weaker: isSigned ? [] : sightLines(explanation),
    forge: isSigned ? signedLines(explanation) : unsignedLines(explanation),
    facts: kind === 'file' ? fileLines(explanation) : [],
    rules: ruleLines(explanation),
    besides: [...reachLines(explanation), ...oddLines(explanation)],
  };
}

/** In plain words, for somebody who has never heard of TUF. `known`: what is known of it beside its chain. */
export function explanationLines(
  explanation: Explanation,
  now: number,
  known: readonly string[] = [],
): readonly string[] {
  const { head, carried, vouchers, weaker, forge, facts, rules, besides } = explanationParts(explanation, now);
  const chain =
    explanation.evidence === 'tuf' ? [`${WHO_VOUCHES}:`, ...vouchers.map((voucher) => `  ${voucher}`), ''] : weaker;
  const leftOut = explanation.kind === 'project' ? [...leftOutLines(explanation), ...removedLines(explanation)] : [];
  return [
    head,
    ...(carried === undefined ? [] : [carried]),
    '',
    ...chain,
    ...forge,
    ...facts,
    ...leftOut,
    ...rules,
    ...known,
    ...besides,
  ];
}

export const WHO_VOUCHES = 'Who vouches for it, from the root you pinned down to the list that names it';

function howText({ evidence, kind, firstSight, byManifest, carried, files }: Explanation): string {
  if (evidence === 'tuf') return 'proved by signatures (evidence: tuf)';
  const named = `proved by the digest${kind === 'file' ? '' : 's'} that the signed manifest of a bundle names (evidence: ${carried?.label})`;
  if (byManifest > 0 && byManifest === (kind === 'file' ? 1 : files)) return named;
  const seen = `believed as ${kind === 'file' ? 'it was when it was' : 'they were when they were'} first seen (evidence: first-sight)`;
  if (firstSight > 0 && firstSight === (kind === 'file' ? 1 : files)) return seen;
  const proved = `proved by ${kind === 'file' ? "its page's digest" : "their page's digests"} (evidence: index)`;
  if (byManifest > 0) return `${files - byManifest} ${proved}, ${byManifest} ${named}`;
  return firstSight === 0 ? proved : `${files - firstSight} ${proved}, ${firstSight} ${seen}`;
}

/** Weaker than the evidence of its index, or by another's word than its page's. */
function sightLines({ kind, firstSight, byManifest, pinned }: Explanation): readonly string[] {
  if (byManifest > 0)
    return [
      `${kind === 'file' ? 'Its page states' : 'Pages state'} no usable digest of ${kind === 'file' ? 'it' : 'such a file'}: it is what the site outside had, by the word of the key that signed`,
      'the bundle. It is held to these bytes from then on, whatever a later bundle names.',
    ];
  if (firstSight === 0) return [];
  if (kind === 'project')
    return [
      'First sight is weaker than index: the page states no usable digest of such a file, and whoever controls the index, its',
      'file host or the way there chooses its bytes when it is first asked for. From then on it is held to them.',
    ];
  return [
    'Its page states no usable digest of it. First sight is weaker than index: whoever controls the index, its file host or the',
    pinned === undefined
      ? 'way there chooses the bytes when it is first asked for. It was not seen here yet.'
      : 'way there chose the bytes when it was first asked for. It holds by its own checksums, and is held to these bytes.',
  ];
}

function signedLines({ project, chain, forgeableOnline, reuploads }: Explanation): readonly string[] {
  const last = chain.at(-1);
  return [
    `To forge it, an attacker needs ${needed(chain)}.`,
    ...(forgeableOnline.length > 0
      ? [
          `The keys of ${forgeableOnline.join(', ')} are online: a machine holds them so that new uploads are signed at once.`,
          `Whoever steals them can sign a NEW file for ${project}, and nobody could tell. Verbatim cannot detect that.`,
          reuploads
            ? 'They are enough to exchange a file too: "reuploads: true" lets this index put other bytes under a name.'
            : 'They are not enough to change a file this mirror has already seen: its digest is pinned here.',
        ]
      : [
          `The keys of ${last?.role ?? 'this role'} are not known to be online. Whoever steals the index's online keys can delay`,
          `updates until the signatures expire, but cannot sign anything for ${project}: those keys do not sign there.`,
        ]),
  ];
}

/** Nobody signed anything; what is left is what was seen. */
function unsignedLines({ kind, pinned }: Explanation): readonly string[] {
  const first = kind === 'project' ? 'a NEW file for it' : 'this file';
  return [
    'Nobody signed it. This is weaker than tuf: the word of the upstream index, heard over TLS, is all there is.',
    ...(kind === 'file' && pinned !== undefined && pinned.provisional !== true
      ? [
          'To forge it now, an attacker would have to change what this mirror remembers: its digest is pinned here.',
          'It was as good as upstream, and the way to it, on the day it was first seen.',
        ]
      : [
          `To forge ${first}, an attacker needs one of these: the upstream index or its storage; a TLS certificate for its`,
          'name, from any authority this machine believes; the account of somebody who may upload to the project.',
          'Verbatim cannot detect that at first sight. Files seen before keep their bytes: their digests are pinned here.',
        ]),
  ];
}

/** Each file by name, under why it is not here and what would let it in. */
function leftOutLines({ leftOut }: Explanation): readonly string[] {
  const whys = [...new Set(leftOut.map(({ why }) => why))];
  if (whys.length === 0) return [];
  return [
    '',
    `Upstream lists ${leftOut.length} more, left out here:`,
    ...whys.flatMap((reason) => [
      `  ${reason}: ${hintText(reason)}`,
      ...leftOut
        .filter(({ why }) => why === reason)
        .map(({ name }) => `    ${name === '' ? '(without a name)' : name}`),
    ]),
  ];
}

/** Out of its page, and served on. */
function removedLines({ removed }: Explanation): readonly string[] {
  if (removed.length === 0) return [];
  const head = `Upstream lists ${removed.length} no more, served on by address as they were proved (evidence: removed; removed: serve):`;
  return ['', head, ...removed.map((name) => `  ${name}`)];
}

const DOES = { report: 'reports', hide: 'hides', deny: 'denies' } as const;

function ruleLines({ kind, rules }: Explanation): readonly string[] {
  return rules.map(({ rule, action, files, why }) => {
    const what = kind === 'file' ? 'it' : counted(files, 'file');
    return `The rule "${rule}" ${DOES[action]} ${what}: ${why} (the setting: ${settingOf(rule)})`;
  });
}

function reachLines({ outOfReach }: Explanation): readonly string[] {
  return [...outOfReach].map(([host, files]) => `Out of reach: ${outOfReachText(host, files)}.`);
}

const ODDITIES: Readonly<Record<Oddity, string>> = {
  meta: 'its JSON has no "meta" with a version',
  name: 'its JSON does not say which project it is of',
  empty: 'it lists nothing and does not say that it is a project page',
  charset: 'it is in another charset than UTF-8',
  unframed: 'only its own end tells that it came whole',
};

function oddLines({ odd }: Explanation): readonly string[] {
  return odd.map((oddity) => `The page is odd and is read as installers read it: ${ODDITIES[oddity]}.`);
}

function fileLines({ evidence, digests, pinned, reuploads, firstSight, byManifest }: Explanation): readonly string[] {
  const stated = `on ${evidence === 'tuf' ? 'the proved' : 'its'} page`;
  const where = byManifest > 0 ? 'in the signed manifest' : firstSight > 0 ? 'at first sight' : stated;
  return [
    ...[...digests].map(([algorithm, hex]) => `Digest ${where}: ${algorithm} ${hex}`),
    reuploads
      ? 'Not held to what was first seen: "reuploads: true" lets this index put other bytes under this name.'
      : pinned === undefined
        ? 'Not pinned here yet.'
        : pinText(pinned),
  ];
}

function pinText({ seen, provisional, proved, uploadTime, fetch, joined, firstSight }: Pin): string {
  const since = dateText(seen);
  const joining =
    joined === true
      ? ' It joined its release after other files of that had been confirmed here: look at it twice.'
      : '';
  const uploaded = (uploadTime === undefined ? '' : ` Upstream says it was uploaded at ${uploadTime}.`) + joining;
  if (provisional !== true)
    return `${firstSight === true ? `First seen here on ${since}, and pinned` : `Pinned here since ${since}`}: no other bytes are ever served under this name.${uploaded}`;
  const missing =
    proved === true
      ? 'a second look at the page has agreed'
      : 'it was sent to a client, or its bytes were proved and a second look at the page has agreed';
  const by = fetch === undefined ? '' : `, by fetch ${fetch}`;
  return `First seen here on ${since}${by}; provisional until ${missing}.${uploaded}`;
}

function voucherText({ role, threshold, keys, online, version, expires }: Voucher, now: number): string {
  const who = keys === 1 ? 'its 1 key' : `${threshold} of its ${keys} keys`;
  const where = online ? 'online keys' : 'not known to be online';
  return `${role} (version ${version}): signed by ${who}, ${where}; valid until ${dateText(expires)} (${untilText(expires, now)})`;
}

function needed(chain: readonly Voucher[]): string {
  const last = chain.at(-1);
  if (last === undefined) return 'nothing';
  const keys = counted(last.threshold, 'key');
  return `${keys} of "${last.role}", and the keys of "timestamp" and "snapshot" to announce it (or the keys of a role above it in the list)`;
}
