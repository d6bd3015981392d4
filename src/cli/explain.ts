import { Refusal } from '../bytes/refusal.ts';
import type { Config } from '../config/config.ts';
import type { Explanation, Voucher } from '../mirror/explain.ts';
import { compose } from './compose.ts';
import { print, printJson, untilText } from './output.ts';
import { quietEvents } from './quiet.ts';

/** `verbatim explain PROJECT|FILE`: who vouches for it, and what an attacker would have to hold. */
export async function explain(
  config: Config,
  name: string,
  indexName: string | undefined,
  json: boolean,
): Promise<void> {
  const composition = await compose({ config, events: quietEvents });
  try {
    const index = composition.indexes.find((candidate) => indexName === undefined || candidate.name === indexName);
    if (index === undefined)
      throw new Refusal('unlisted', `No index called ${indexName} is configured.`, { subject: 'request' });
    const explanation = await index.explain(name);
    if (json) printJson({ index: index.name, evidence: index.evidence, ...explanation });
    else print(explanationText(explanation, composition.clock.now()));
  } finally {
    await composition.close();
  }
}

/** In plain words, for somebody who has never heard of TUF. */
export function explanationText(explanation: Explanation, now: number): string {
  const { name, project, kind, chain, forgeableOnline, pinned, reuploads, digests } = explanation;
  const last = chain.at(-1);
  const lines = [
    kind === 'project'
      ? `${project}: a project with ${explanation.files === 1 ? '1 file' : `${explanation.files} files`}, proved by signatures (evidence: tuf).`
      : `${name}: a file of the project ${project}, proved by signatures (evidence: tuf).`,
    '',
    'Who vouches for it, from the root you pinned down to the list that names it:',
    ...chain.map((voucher) => `  ${voucherText(voucher, now)}`),
    '',
    `To forge it, an attacker needs ${needed(chain)}.`,
  ];
  if (forgeableOnline.length > 0)
    lines.push(
      `The keys of ${forgeableOnline.join(', ')} are online: a machine holds them so that new uploads are signed at once.`,
      `Whoever steals them can sign a NEW file for ${project}, and nobody could tell. Verbatim cannot detect that.`,
      reuploads
        ? 'They are enough to exchange a file too: "reuploads: true" lets this index put other bytes under a name.'
        : 'They are not enough to change a file this mirror has already seen: its digest is pinned here.',
    );
  else
    lines.push(
      `The keys of ${last?.role ?? 'this role'} are not known to be online. Whoever steals the index's online keys can delay`,
      `updates until the signatures expire, but cannot sign anything for ${project}: those keys do not sign there.`,
    );
  if (kind === 'file') {
    for (const [algorithm, hex] of digests) lines.push(`Digest on the proved page: ${algorithm} ${hex}`);
    lines.push(
      reuploads
        ? 'Not held to what was first seen: "reuploads: true" lets this index put other bytes under this name.'
        : pinned === undefined
          ? 'Not pinned here yet.'
          : `Pinned here since ${new Date(pinned.seen * 1000).toISOString().slice(0, 10)}: no other bytes are ever served under this name.`,
    );
  }
  return lines.join('\n');
}

function voucherText({ role, threshold, keys, online, version, expires }: Voucher, now: number): string {
  const who = keys === 1 ? 'its 1 key' : `${threshold} of its ${keys} keys`;
  const where = online ? 'online keys' : 'not known to be online';
  return `${role} (version ${version}): signed by ${who}, ${where}; valid until ${new Date(expires * 1000).toISOString().slice(0, 10)} (${untilText(expires, now)})`;
}

function needed(chain: readonly Voucher[]): string {
  const last = chain.at(-1);
  if (last === undefined) return 'nothing';
  const keys = last.threshold === 1 ? '1 key' : `${last.threshold} keys`;
  return `${keys} of "${last.role}", and the keys of "timestamp" and "snapshot" to announce it (or the keys of a role above it in the list)`;
}
