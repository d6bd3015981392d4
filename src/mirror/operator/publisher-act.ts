import type { Instant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import { nameOf } from '../../policy/provenance.ts';
import type { IndexState } from '../../ports/index-state.ts';
import type { KeptProvenance, KnownPublisher } from '../../ports/provenance/kept.ts';
import type { Publisher } from '../../provenance/publisher.ts';
import { pep440VersionOf } from '../../pypi/names.ts';
import { versionKey } from '../../pypi/versions.ts';
import type { Act } from './acts.ts';

/**
 * A release may be by somebody else than those before it, or by nobody who says so: whoever is verified to have published files of it is known
 * from then on. The version `none`: nobody is known any more, and whoever publishes next is seen for the first time.
 */
export async function publisherAct(
  state: Pick<IndexState, 'provenance'>,
  project: string,
  version: string,
  { now, reason = '' }: { readonly now: Instant; readonly reason?: string | undefined },
): Promise<Act> {
  const kept = (await state.provenance(project).read())?.value;
  if (kept === undefined)
    throw new Refusal('unlisted', `Nothing is remembered of who published files of ${project}.`, {
      subject: 'request',
    });
  const forgets = version === 'none';
  const added = forgets ? [] : newIn(kept, project, version);
  const before = kept.publishers.map(nameOf).join(', ') || 'nobody';
  return {
    project,
    file: undefined,
    what: forgets ? 'that nobody is expected to publish it' : `who published the release ${version}`,
    before,
    after: forgets ? 'nobody' : [...kept.publishers, ...added].map(nameOf).join(', ') || 'nobody who says so',
    async carryOut() {
      await state.provenance(project).change((was) => {
        if (was === undefined) return undefined;
        if (forgets) return { ...was.value, since: now, publishers: [], accepted: [] };
        const known = newIn(was.value, project, version).map(
          (each): KnownPublisher => ({ ...each, since: now, by: 'operator' }),
        );
        const accepted = [...was.value.accepted, { version, reason, at: now }];
        return { ...was.value, publishers: [...was.value.publishers, ...known], accepted };
      });
    },
  };
}

/** Who is verified to have published files of the release, and is not known yet. */
function newIn({ publishers, files }: KeptProvenance, project: string, version: string): readonly Publisher[] {
  const found = new Map<string, Publisher>();
  for (const [filename, { judgement }] of files) {
    const own = versionKey(pep440VersionOf(filename, project) ?? '');
    if (judgement.result !== 'verified' || own !== versionKey(version)) continue;
    for (const each of judgement.publishers)
      if (!publishers.some((one) => isSame(one, each)))
        found.set(`${each.id} ${each.workflow} ${each.environment}`, each);
  }
  return [...found.values()];
}

function isSame(one: Publisher, other: Publisher): boolean {
  return one.id === other.id && one.workflow === other.workflow && one.environment === other.environment;
}
