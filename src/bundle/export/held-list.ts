import { instantText } from '../../bytes/instant.ts';
import type { ListStore } from '../../ports/list-store.ts';
import type { HeldItem } from './held.ts';

/** The list of all projects of an index that signs nothing, where it was heard. */
export async function* heldList(lists: ListStore): AsyncGenerator<HeldItem, void, undefined> {
  const head = await lists.load();
  if (head === undefined) return;
  const content = await lists.bytes(head);
  if (content === undefined) return;
  const { url, confirmedAt, sha256, size } = head;
  yield {
    entry: { kind: 'list', url, confirmed: instantText(confirmedAt), size, sha256 },
    content: async () => content,
  };
}
