import { type Stats, statSync } from 'node:fs';
import type { Config, IndexConfig, SecretPlace } from '../../config/config.ts';
import type { Condition } from '../../ports/conditions.ts';

/** A file that holds a secret, and the setting that names it. */
interface SecretFile {
  readonly path: string;
  readonly setting: string;
  readonly index: string;
}

/** Secrets that more users of this machine may read than this process needs. What is not there is told by whoever reads it. */
export function secretConditions(config: Config): readonly Condition[] {
  return secretFiles(config).flatMap(({ path, setting, index }) => {
    const stats = statsOf(path);
    const others = stats && readersBeside(stats);
    if (others === undefined) return [];
    const message = `${others} may read ${path} (${setting}). Run: chmod ${others === EVERYBODY ? 'o' : 'g'}-rwx ${path}`;
    return [{ what: 'exposed-secret', index, thing: path, message }];
  });
}

function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function secretFiles({ seal, server, indexes }: Config): readonly SecretFile[] {
  const { tls, auth } = server;
  return [
    ...named('', 'seal_key_file', seal?.key.file),
    ...named('', 'server.tls.key', tls?.key),
    ...named('', 'server.auth.htpasswd', auth?.htpasswd),
    ...named('', 'server.auth.tokens', auth?.tokens),
    ...Object.values(indexes).flatMap((index) => secretFilesOf(index)),
  ];
}

function secretFilesOf({ name, credentials, proxy, client }: IndexConfig): readonly SecretFile[] {
  const at = (key: string) => `indexes.${name}.${key}`;
  return [
    ...named(name, at('credentials.password_file'), fileOf(credentials?.password)),
    ...named(name, at('proxy.password_file'), fileOf(proxy?.login?.password)),
    ...named(name, at('client_key'), client?.key),
  ];
}

function fileOf(place: SecretPlace | { readonly command: readonly string[] } | undefined): string | undefined {
  return place !== undefined && 'file' in place ? place.file : undefined;
}

function named(index: string, setting: string, path: string | undefined): readonly SecretFile[] {
  return path === undefined ? [] : [{ index, setting, path }];
}

const EVERYBODY = 'Everybody on this machine';
const ITS_GROUP = 'Its whole group';

/**
 * Who besides the owner may read a file for no reason of ours. Secrets are handed to services by their group (`root:ssl-cert` 0640, a
 * volume's group): a group is too many only where this process owns the file, and would read it without.
 */
function readersBeside({ mode, uid }: Pick<Stats, 'mode' | 'uid'>): string | undefined {
  const own = process.getuid?.();
  // A system without users' permissions.
  if (own === undefined) return undefined;
  if ((mode & 0o004) !== 0) return EVERYBODY;
  return uid === own && (mode & 0o040) !== 0 ? ITS_GROUP : undefined;
}
