import { internalCaller } from '../../async/caller.ts';
import type { Emit } from '../../ports/events.ts';
import type { News } from '../../ports/peers.ts';
import type { Composition } from '../compose.ts';
import { judgeAgain } from './follow-fleet.ts';

type Following = Pick<Composition, 'indexes'> & { readonly blobs: Pick<Composition['blobs'], 'follow'> };

/** Does what another process on the same data directory asks by what it tells: what memory has is what is stored when this resolves. */
export async function followPeer({ indexes, blobs }: Following, news: News, emit: Emit): Promise<void> {
  if (news.kind === 'blobs') {
    blobs.follow(news.changes);
    return;
  }
  const mirror = indexes.find(({ name }) => name === news.index);
  if (news.kind === 'refreshed') mirror?.signed?.confirmed();
  if (mirror === undefined || news.kind === 'refreshed') return;
  const caller = internalCaller(mirror.name, 'operator');
  const onFault = (error: unknown) => emit({ name: 'faulted', at: 'store', error });
  // Given up at once; what was under way of it ends behind, for it may be what waits for this.
  for (const project of new Set(projectsOf(news.items))) void mirror.follow(project, caller).catch(onFault);
  await judgeAgain(mirror, news.items).catch(onFault);
  if (news.items.some(([, area, kind]) => area === 'tuf' && kind === 'current'))
    await mirror.signed?.adopt().catch(onFault);
}

/** The list of all projects is the one without a name. */
function projectsOf(items: Extract<News, { kind: 'wrote' }>['items']): readonly string[] {
  return items.flatMap(([, area, project]) => {
    if (area === 'list') return [''];
    return (area === 'pages' || area === 'pins') && project !== undefined ? [project] : [];
  });
}
