import { instantText } from '../../bytes/instant.ts';
import { isLoopback } from '../../bytes/loopback.ts';
import type { Config, IndexConfig } from '../../config/config.ts';
import type { Condition } from '../../ports/conditions.ts';

/** Where the configuration is weaker, or other, than what a mirror of its own accord would do. Reads nothing but the configuration. */
export function settingConditions(config: Config): readonly Condition[] {
  return [...ofAll(config), ...Object.values(config.indexes).flatMap((index) => ofIndex(index))];
}

function ofAll({ referenceTime, offline, offlinePages, server, redis, seal, blobs }: Config): readonly Condition[] {
  const found: Condition[] = [];
  const add = (what: Condition['what'], message: string) => void found.push({ what, index: '', thing: '', message });
  if (referenceTime !== undefined)
    add('reference-time', `Expiry is judged as of ${instantText(referenceTime)}, not as of now (reference_time).`);
  if (offline)
    add(
      'offline',
      `No upstream is asked for anything: what is held is all there is (offline); pages list ${offlinePages === 'held' ? 'nothing else' : 'the rest with a mark'} (offline_pages).`,
    );
  if (redis !== undefined && seal === undefined)
    add(
      'redis-unsealed',
      'Pages of indexes that sign nothing, and drawn pages, are not shared by Redis: without a seal key (seal_key_file, seal_key_env) nothing tells our own from forged ones.',
    );
  if (blobs?.redirectFrom !== undefined)
    add(
      'redirects',
      server.auth === undefined
        ? `Clients are redirected to the bucket for files of ${blobs.redirectFrom} bytes and more: what leaves there is proved by nobody but the client's own digests (blobs.redirect_from).`
        : 'No client is redirected to the bucket, because credentials are asked for here and a redirect would need none (blobs.redirect_from, server.auth).',
    );
  if (isLoopback(server.host)) return found;
  if (server.auth === undefined)
    add('public', 'Whoever reaches this address may read; server.auth asks for a password or a token.');
  else if (server.tls === undefined && server.publicUrl?.startsWith('https:') !== true)
    add(
      'clear-text-passwords',
      'Passwords and tokens cross the network in the clear: set server.tls, or public_url where a proxy in front speaks TLS.',
    );
  return found;
}

function ofIndex(index: IndexConfig): readonly Condition[] {
  const found: Condition[] = [];
  const { name, upstream } = index;
  const add = (what: Condition['what'], message: string) => void found.push({ what, index: name, thing: '', message });
  if (index.insecureUpstream)
    add(
      'insecure-upstream',
      `${upstream} is read over plain http, and anybody on the way may answer (insecure_upstream).`,
    );
  if (index.fileHosts.includes('any-public'))
    add('any-public-host', 'Pages may name any public host for their files (file_hosts: any-public).');
  if (index.reuploads) add('reuploads', 'A file name may change its bytes: digests are not pinned (reuploads).');
  if (index.removed === 'serve')
    add(
      'removed',
      'Files that upstream removed are served on by their addresses where they are held, out of pages (removed: serve).',
    );
  if (index.evidence === 'tuf') return found;
  // What bundles bring is held to their manifest.
  if (index.undigested === 'first-sight' && !index.reuploads && index.import === undefined)
    add('first-sight', 'Files without a digest are believed when they are first seen (undigested: first-sight).');
  if (index.staleIfError === Number.POSITIVE_INFINITY)
    add(
      'stale-forever',
      'Pages stand in for ever for an upstream that is away or not believed (stale_if_error: forever).',
    );
  return found;
}
