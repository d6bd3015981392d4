import { resolve } from 'node:path';
import type { PolicySettings } from '../policy/settings.ts';
import type { LayoutDescription } from '../presets/layouts.ts';
import { toAdvisories } from './advisories/schema.ts';
import { toAddresses } from './combined/schema.ts';
import type { Config, Credentials, IndexConfig, ProxyConfig, SecretPlace, Timeouts } from './config.ts';
import { hasRoot } from './index-schema.ts';
import { USUAL_DEPTH } from './look-ahead.ts';
import { NO_POLICY, settingsOf, withAge } from './policy/settings.ts';
import { toProvenance } from './provenance/schema.ts';
import { toRedis } from './redis.ts';
import type { ParsedFile } from './schema.ts';
import { toSync } from './sync.ts';

type ParsedIndex = ParsedFile['indexes'][string];

/** From the file's spelling to the program's. */
export function toConfig(parsed: ParsedFile, readPolicy: (path: string) => PolicySettings): Config {
  const indexes: Record<string, IndexConfig> = Object.create(null);
  for (const [name, index] of Object.entries(parsed.indexes))
    if (index.of === undefined) indexes[name] = toIndex(name, index, readPolicy);
  return {
    server: {
      host: parsed.server.host,
      port: parsed.server.port,
      publicUrl: parsed.server.public_url,
      links: parsed.server.links,
      maxConnections: parsed.server.max_connections,
      workers: parsed.server.workers,
      grace: parsed.server.grace,
      drain: parsed.server.drain,
      trustedProxies: parsed.server.trusted_proxies,
      tls: toTls(parsed.server),
      auth: parsed.server.auth && {
        htpasswd: resolved(parsed.server.auth.htpasswd),
        tokens: resolved(parsed.server.auth.tokens),
        recordNames: parsed.server.auth.record_names,
      },
    },
    pages: { auditors: parsed.pages.auditors },
    data: resolve(parsed.data),
    allowFuse: parsed.allow_fuse,
    offline: parsed.offline,
    offlinePages: parsed.offline_pages,
    seal: toSeal(parsed),
    fleet: parsed.fleet,
    contact: parsed.contact,
    cache: {
      maxBytes: parsed.cache.max_bytes,
      stateBytes: parsed.cache.state_bytes,
      projectBytes: parsed.cache.project_bytes,
      journalBytes: parsed.cache.journal_bytes,
      accessBytes: parsed.cache.access_bytes,
      accessDays: parsed.cache.access_days,
      accessAddresses: parsed.cache.access_addresses,
      memoryBytes: parsed.cache.memory_bytes,
      warnFreeBytes: parsed.cache.warn_free_bytes,
      scrubDays: parsed.cache.scrub_days,
      scrubBytesPerSecond: parsed.cache.scrub_bytes_per_second,
    },
    redis: parsed.redis && toRedis(parsed.redis),
    sync: parsed.sync && toSync(parsed.sync),
    advisories: parsed.advisories && toAdvisories(parsed.advisories),
    blobs: toBlobs(parsed.blobs),
    limits: { fills: parsed.limits.fills, upstreamConnections: parsed.limits.upstream_connections },
    log: { level: parsed.log.level, format: parsed.log.format },
    referenceTime: parsed.reference_time,
    indexes,
    addresses: toAddresses(parsed.indexes),
  };
}

function toBlobs({ store, max_bytes: maxBytes, ...given }: ParsedFile['blobs']): Config['blobs'] {
  if (store === undefined) return undefined;
  const { redirect_from: redirectFrom, credentials_file, profile } = given;
  return { store, maxBytes, redirectFrom, credentialsFile: resolved(credentials_file), profile };
}

function toTls({ tls }: ParsedFile['server']): Config['server']['tls'] {
  if (tls === undefined) return undefined;
  const { cert, key, ciphers, min_version: minVersion, warn_days: warnDays } = tls;
  return { cert: resolve(cert), key: resolve(key), ciphers, minVersion, warnDays };
}

function toSeal({ seal_key_file, seal_key_env, seal_epoch_file }: ParsedFile): Config['seal'] {
  if (seal_key_file === undefined && seal_key_env === undefined) return undefined;
  return { key: { file: resolved(seal_key_file), variable: seal_key_env }, epochFile: resolved(seal_epoch_file) };
}

/** Where nothing can lie (RFC 6761): what links of an index without an address are relative to. */
function addressOf(name: string, { upstream }: ParsedIndex): string {
  return upstream ?? `https://${name}.invalid/`;
}

function toIndex(name: string, index: ParsedIndex, readPolicy: (path: string) => PolicySettings): IndexConfig {
  const upstream = addressOf(name, index);
  const common = {
    name,
    upstream,
    fileHosts: index.file_hosts,
    insecureUpstream: index.insecure_upstream !== undefined,
    reuploads: index.reuploads,
    removed: index.removed,
    trace: index.trace,
    maxBytes: index.max_bytes,
    absent: toAbsent(index),
    credentials: index.credentials && toCredentials(upstream, index.credentials),
    ca: resolved(index.ca),
    client: toClient(index),
    proxy: index.proxy && toProxy(index.proxy),
    privateHosts: index.private_hosts,
    timeouts: toTimeouts(index.timeouts),
    lookAhead: toLookAhead(index),
    import: index.import && toImport(index.import),
    policy: toPolicy(index, readPolicy),
    policyFile:
      index.policy_file === undefined ? undefined : { path: resolve(index.policy_file), minimumAge: index.minimum_age },
  };
  if (!hasRoot(index))
    return {
      ...common,
      evidence: 'index',
      kind: index.kind,
      maxAge: index.max_age,
      staleIfError: index.stale_if_error === 'forever' ? Number.POSITIVE_INFINITY : index.stale_if_error,
      contentAddressed: index.content_addressed,
      projectList: index.project_list,
      undigested: index.undigested,
      secondFetchUpTo: index.second_fetch_up_to,
      provenance: toProvenance(index.provenance, resolved),
    };
  return {
    ...common,
    evidence: 'tuf',
    root: resolved(index.root),
    layout: typeof index.layout === 'string' ? index.layout : toLayout(index.layout),
    metadataUrl: index.metadata_url,
    pagesUrl: index.pages_url,
    filesUrl: index.files_url,
    refresh: index.refresh,
  };
}

function toPolicy(
  { policy, policy_file: file, minimum_age: files }: ParsedIndex,
  readPolicy: (path: string) => PolicySettings,
): PolicySettings | undefined {
  const written = file === undefined ? policy && settingsOf(policy) : readPolicy(resolve(file));
  return files === undefined ? written : withAge(written ?? NO_POLICY, files);
}

function toImport({
  keys,
  max_age: maxAge,
  generations,
  scan: command,
  scan_timeout: timeout,
  scan_version: version,
}: NonNullable<ParsedIndex['import']>): IndexConfig['import'] {
  return {
    keys: keys.map(({ name, ed25519: hex, ed25519_file: file, until }) => ({
      name,
      public: hex === undefined ? { file: resolve(file ?? '') } : { hex },
      until,
    })),
    maxAge,
    generations,
    scan: command && { command, timeout, version },
  };
}

/** An index that knows us, or hands on what it lacks, is not told of names that its clients may be asking another index for. */
function toLookAhead({ look_ahead, credentials, client_cert, absent }: ParsedIndex): IndexConfig['lookAhead'] {
  const { enabled, requests, bytes, largest_wheel: largestWheel } = look_ahead;
  if (!enabled) return undefined;
  const isReserved = credentials !== undefined || client_cert !== undefined || absent.redirect_elsewhere;
  return { depth: look_ahead.depth ?? (isReserved ? 0 : USUAL_DEPTH), requests, bytes, largestWheel };
}

function toTimeouts({
  first_byte: firstByte,
  file_first_byte: fileFirstByte,
  file_silence: fileSilence,
  slowest_over: slowestOver,
  retry_after: retryAfter,
  retry_after_unheld: retryAfterUnheld,
  retry_after_wait: retryAfterWait,
  retry_after_sent: retryAfterSent,
  ...same
}: ParsedIndex['timeouts']): Timeouts {
  const retry = { retryAfter, retryAfterUnheld, retryAfterWait, retryAfterSent };
  return { ...same, firstByte, fileFirstByte, fileSilence, slowestOver, ...retry };
}

function toAbsent({ absent }: ParsedIndex): IndexConfig['absent'] {
  return {
    statuses: absent.statuses.filter((status) => status === 401 || status === 403),
    redirectElsewhere: absent.redirect_elsewhere,
    known: absent.known,
  };
}

function toCredentials(upstream: string, given: NonNullable<ParsedIndex['credentials']>): Credentials {
  // Files commonly lie beside simple/, not below it.
  const scopes = given.scopes ?? [upstream.replace(/\/\+?simple\/$/, '/')];
  return { username: given.username, password: toPassword(given), scopes };
}

function toPassword(given: GivenSecret & GivenCommand): Credentials['password'] {
  const { password_command: command, password_lifetime: lifetime } = given;
  return command === undefined ? toSecret(given) : { command, lifetime };
}

function toClient({ client_cert, client_key }: ParsedIndex): IndexConfig['client'] {
  if (client_cert === undefined || client_key === undefined) return undefined;
  return { cert: resolve(client_cert), key: resolve(client_key) };
}

function toProxy(given: NonNullable<ParsedIndex['proxy']>): ProxyConfig {
  const { url, username } = given;
  return { url, login: username === undefined ? undefined : { username, password: toPassword(given) } };
}

interface GivenSecret {
  readonly password_file?: string | undefined;
  readonly password_env?: string | undefined;
}

interface GivenCommand {
  readonly password_command?: readonly string[] | undefined;
  readonly password_lifetime: number;
}

function toSecret({ password_file, password_env }: GivenSecret): SecretPlace {
  return { file: resolved(password_file), variable: password_env };
}

function resolved(path: string | undefined): string | undefined {
  return path === undefined ? undefined : resolve(path);
}

function toLayout({ metadata, pages, files }: Exclude<ParsedIndex['layout'], string>): LayoutDescription {
  return {
    metadata,
    pages: pages && {
      base: pages.base,
      hashPrefix: pages.hash_prefix,
      target: pages.target,
      list: pages.list,
    },
    files: files && { base: files.base, hashPrefix: files.hash_prefix, target: files.target },
  };
}

/** Frozen all the way down. */
export function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const each of Object.values(value)) freeze(each);
  return Object.freeze(value);
}
