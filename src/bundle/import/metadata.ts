import type { ContentName } from '../../ports/carried.ts';
import type { UpstreamMetadata } from '../../ports/upstream.ts';
import type { Entry } from '../format/model.ts';
import type { ContentStore } from './store.ts';
import { isBehindRoles } from './table.ts';

/**
 * Signed metadata as a table lists it: suspect bytes for the client workflow, as from any upstream. What is not there is absent, so that a chain of roots ends where
 * the bundle's does.
 */
export async function readRoles(
  rows: AsyncIterable<Entry>,
  store: Pick<ContentStore, 'content'>,
): Promise<UpstreamMetadata> {
  const roles = new Map<string, ContentName>();
  for await (const row of rows) {
    if (isBehindRoles(row)) break;
    const { kind, name, version = 0, sha256, size } = row;
    const role = kind === 'targets' ? (name ?? '') : kind;
    roles.set(keyOf(role, version), { sha256, size });
    if (kind !== 'root') roles.set(keyOf(role, undefined), { sha256, size });
  }
  return {
    async read({ role, version, limit }) {
      const content = roles.get(keyOf(role, version));
      const blob = content && (await store.content(content));
      return blob?.bytes(limit);
    },
  };
}

function keyOf(role: string, version: number | undefined): string {
  return `${version ?? ''} ${role}`;
}
