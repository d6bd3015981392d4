import { resolve } from 'node:path';
import type { Config, IndexConfig, LayoutDescription } from './config.ts';
import type { ParsedFile } from './schema.ts';

type ParsedIndex = ParsedFile['indexes'][string];

/** From the file's spelling to the program's. */
export function toConfig(parsed: ParsedFile): Config {
  const indexes: Record<string, IndexConfig> = Object.create(null);
  for (const [name, index] of Object.entries(parsed.indexes)) indexes[name] = toIndex(name, index);
  return {
    server: {
      host: parsed.server.host,
      port: parsed.server.port,
      publicUrl: parsed.server.public_url,
      maxConnections: parsed.server.max_connections,
    },
    data: resolve(parsed.data),
    cache: { maxBytes: parsed.cache.max_bytes, memoryBytes: parsed.cache.memory_bytes },
    log: { level: parsed.log.level, format: parsed.log.format },
    referenceTime: parsed.reference_time,
    indexes,
  };
}

function toIndex(name: string, index: ParsedIndex): IndexConfig {
  const common = {
    name,
    upstream: index.upstream,
    fileHosts: index.file_hosts,
    insecureUpstream: index.insecure_upstream !== undefined,
    reuploads: index.reuploads,
  };
  if (index.root === undefined)
    return {
      ...common,
      evidence: 'index',
      maxAge: index.max_age,
      staleIfError: index.stale_if_error,
      contentAddressed: index.content_addressed,
      projectList: index.project_list,
    };
  return {
    ...common,
    evidence: 'tuf',
    root: resolve(index.root),
    layout: typeof index.layout === 'string' ? index.layout : toLayout(index.layout),
    metadataUrl: index.metadata_url,
    pagesUrl: index.pages_url,
    filesUrl: index.files_url,
    refresh: index.refresh,
  };
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
