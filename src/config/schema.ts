import { z } from 'zod';
import { INDEX_NAME, INDEX_NAME_RULE } from '../bytes/index-name.ts';
import { auth, pages, sealFault, sealing, tls } from './access.ts';
import { advisories, advisoriesFault } from './advisories/schema.ts';
import { blobs } from './blobs-schema.ts';
import { cache } from './cache-schema.ts';
import { combinedFaults } from './combined/schema.ts';
import { fleet } from './fleet-schema.ts';
import { index } from './index-schema.ts';
import { redis } from './redis-schema.ts';
import { syncFaults } from './sync.ts';
import { sync } from './sync-schema.ts';
import { baseUrl, filePath, host, instant, network, seconds } from './values.ts';

// What verbatim.yaml may say. config/verbatim.schema.json is generated from this (npm run schema).

/** First path segments that mean something else on every mirror. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set(
  'simple packages files pypi root tuf integrity project why events policy health metrics livez readyz v1'.split(' '),
);

const indexName = z
  .string()
  .regex(INDEX_NAME, INDEX_NAME_RULE)
  .refine((name) => !RESERVED_NAMES.has(name), {
    error: ({ input }) =>
      `/${input} means something else on every mirror: call the index otherwise (under another name it begins anew)`,
  });

/** The file's shape; every key has a default but `indexes`. */
export const schema = z
  .strictObject({
    server: z
      .strictObject({
        host: host.default('127.0.0.1').describe('Address to listen on; 0.0.0.0 for every one.'),
        port: z.int().min(0).max(65_535).default(3141).describe('0 takes any free one.'),
        public_url: baseUrl
          .optional()
          .describe(
            'What clients call this mirror: for the lines it prints, and for legacy JSON, which names files by their whole address. Links in pages are relative.',
          ),
        links: z
          .enum(['relative', 'absolute'])
          .default('relative')
          .describe(
            'Links of files in pages; absolute, below public_url, for clients that cannot resolve relative ones.',
          ),
        tls: tls.optional().describe('Speak TLS. Read again at SIGHUP.'),
        auth: auth.optional().describe('Ask who reads: basic authentication or a token. Read again at SIGHUP.'),
        trusted_proxies: z
          .array(network)
          .max(64)
          .default([])
          .describe(
            'Addresses or networks of the proxies in front of this mirror: from them alone, X-Forwarded-For or Forwarded says who the client is.',
          ),
        grace: seconds(0, 3600)
          .default(30)
          .describe('Seconds that answers under way may take to end once the server is told to stop.'),
        drain: seconds(0, 3600)
          .default(0)
          .describe(
            'Seconds that it goes on serving, while /readyz already says no, once SIGTERM tells it to stop: for what stands in front of it.',
          ),
        workers: z
          .union([z.literal('auto'), z.int().min(1).max(64)])
          .default(1)
          .describe('Processes that answer on the one port; auto for as many as there are cores.'),
        max_connections: z
          .int()
          .min(1)
          .max(100_000)
          .default(4096)
          .describe(
            'Connections at once. Past it idle ones of whoever has most make room, and whoever has most is turned away.',
          ),
      })
      .prefault({}),
    data: filePath
      .default('./verbatim-data')
      .describe('Directory for proved files and trust state, relative to this file; on one machine’s own disk.'),
    allow_fuse: z
      .boolean()
      .default(false)
      .describe('True where the data directory lies on a FUSE file system that no other machine shares.'),
    offline: z.boolean().default(false).describe('True to serve what is held and to ask no upstream for anything.'),
    offline_pages: z
      .enum(['all', 'held'])
      .default('all')
      .describe('Where offline: what pages list. all = with a mark on files that are not held; held = no others.'),
    pages: pages.prefault({}).describe('Pages for people.'),
    ...sealing,
    fleet: fleet
      .optional()
      .describe(
        'The replicas that this mirror is one of. Each has a data directory of its own, and the same seal key.',
      ),
    contact: z
      .string()
      .max(200)
      .regex(/^[\x21-\x27\x2a-\x7e]+$/, 'must be an address or a URL, without blanks')
      .optional()
      .describe("A mail address or URL, told to upstream's operators in the User-Agent."),
    cache: cache.prefault({}),
    redis: redis.optional().describe('A Redis that several mirrors share to save work; nothing it says is believed.'),
    blobs: blobs.prefault({}),
    limits: z
      .strictObject({
        fills: z.int().min(1).max(1024).default(32).describe('Files downloaded at once, all indexes together.'),
        upstream_connections: z
          .int()
          .min(1)
          .max(1024)
          .default(32)
          .describe('Connections to each upstream for documents; files have three quarters as many besides.'),
      })
      .prefault({}),
    log: z
      .strictObject({
        level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
        format: z
          .enum(['auto', 'json', 'text'])
          .default('auto')
          .describe('auto: text on a terminal, JSON lines elsewhere.'),
      })
      .prefault({}),
    reference_time: instant
      .optional()
      .describe('Judge expiry as of this moment instead of now. For air-gapped sites and rehearsals.'),
    sync: sync.optional().describe('What is fetched before anybody asks, and when.'),
    advisories: advisories
      .optional()
      .describe('What is known to be malware or vulnerable (OSV), where it comes from, and what becomes of it.'),
    indexes: z.record(indexName, index).default({}).describe('By name; `main` is also served at /.'),
  })
  .superRefine((given, context) => {
    if (given.server.links === 'absolute' && given.server.public_url === undefined)
      context.addIssue({
        code: 'custom',
        path: ['server', 'links'],
        message: 'absolute needs server.public_url: only that says where clients reach this mirror',
      });
    if (given.pages.auditors.length > 0 && given.server.auth?.htpasswd === undefined)
      context.addIssue({
        code: 'custom',
        path: ['pages', 'auditors'],
        message: 'needs server.auth.htpasswd: nobody else is known by a name',
      });
    for (const { path, message } of [...syncFaults(given), ...combinedFaults(given.indexes)])
      context.addIssue({ code: 'custom', path: [...path], message });
    const advisory = given.advisories && advisoriesFault(given.advisories, indexNames(given));
    if (advisory !== undefined) context.addIssue({ code: 'custom', path: ['advisories'], message: advisory });
    const message = sealFault(given);
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['seal_key_file'], message });
    if (given.fleet !== undefined && given.seal_key_file === undefined && given.seal_key_env === undefined)
      context.addIssue({
        code: 'custom',
        path: ['fleet'],
        message:
          'needs seal_key_file or seal_key_env: by it replicas know what is their own, in the store and of each other',
      });
    if (given.blobs.store !== undefined && (given.fleet?.peers ?? []).length > 0)
      context.addIssue({
        code: 'custom',
        path: ['fleet', 'peers'],
        message: 'is for replicas with files on disks of their own: with blobs.store they share them already',
      });
  });

/** Without the addresses that are over several of them. */
function indexNames({ indexes }: { readonly indexes: Readonly<Record<string, z.output<typeof index>>> }): string[] {
  return Object.keys(indexes).filter((name) => indexes[name]?.of === undefined);
}

/** The file with every default filled in. */
export type ParsedFile = z.output<typeof schema>;

/** The same as JSON Schema, for editors; ends in a newline. */
export function jsonSchema(): string {
  const generated = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return `${JSON.stringify({ title: 'Verbatim configuration', ...generated }, undefined, 2)}\n`;
}
