import { z } from 'zod';
import { INDEX_NAME, INDEX_NAME_RULE } from '../bytes/index-name.ts';
import { LAYOUT_NAMES } from '../presets/known-upstreams.ts';
import { auth, credentials, proxy, sealFault, sealing, tls } from './access.ts';
import {
  baseOrPath,
  baseUrl,
  fetchedUrl,
  fileHost,
  filePath,
  host,
  instant,
  network,
  seconds,
  size,
} from './values.ts';

// What verbatim.yaml may say. config/verbatim.schema.json is generated from this (npm run schema).

/** First path segments that mean something else on every mirror. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set(
  'simple packages files pypi root tuf integrity project why metrics livez readyz'.split(' '),
);

/** Nobody writes this by accident: what is left when TLS is not there. */
export const INSECURE_UPSTREAM = 'i-accept-tampering-is-only-caught-by-signatures';

/** The same where there are no signatures to catch anything. */
export const INSECURE_INDEX = 'i-accept-that-anybody-on-the-way-chooses-the-files';

const template = z
  .string()
  .min(1)
  .max(512)
  .refine((text) => !text.startsWith('/') && !text.split('/').includes('..'), 'must be relative, without .. steps');

const targets = {
  base: baseOrPath.describe('Where they are fetched from: a URL, or a path under upstream.'),
  hash_prefix: z
    .boolean()
    .default(false)
    .describe('True where the fetched name is DIGEST.NAME (consistent snapshots).'),
};

const layout = z.strictObject({
  metadata: baseOrPath.default('metadata/').describe('Where the TUF metadata lies: a URL, or a path under upstream.'),
  pages: z
    .strictObject({
      ...targets,
      target: template.describe('The target path of a project page, with {project}.'),
      list: template.optional().describe('The target path of the project list, where there is one.'),
    })
    .optional()
    .describe('Project pages; leave out for a plain repository of targets.'),
  files: z
    .strictObject({
      ...targets,
      target: template
        .optional()
        .describe(
          'The target path of a file, with {project} {filename} {aa} {bb} {rest}; leave out where only pages are signed.',
        ),
    })
    .optional(),
});

const index = z
  .strictObject({
    upstream: fetchedUrl.describe('The index this one mirrors.'),
    evidence: z
      .enum(['tuf', 'index'])
      .optional()
      .describe(
        'How its files are proved: tuf = signed metadata, from the pinned root down (needs root); index = the digests on the pages of an index that signs nothing, which is weaker.',
      ),
    root: filePath
      .optional()
      .describe(
        'The pinned root.json, relative to this file. Get it over a channel you trust: everything rests on it.',
      ),
    layout: z
      .union([z.enum(LAYOUT_NAMES), layout], {
        error: `must be one of ${LAYOUT_NAMES.join(', ')}, or a description of its own`,
      })
      .default('pep458')
      .describe('How the upstream names its pages and files.'),
    metadata_url: fetchedUrl.optional().describe('Where the TUF metadata lies, if not where the layout says.'),
    pages_url: fetchedUrl.optional().describe('Where project pages lie, if not where the layout says.'),
    files_url: fetchedUrl.optional().describe('Where files lie, if not where the layout says.'),
    file_hosts: z.array(fileHost).max(64).default([]).describe('Other hosts the pages may send us to for files.'),
    refresh: seconds(1, 86_400).default(60).describe('Seconds before the signed metadata is looked at again.'),
    max_age: seconds(0, 86_400)
      .default(600)
      .describe('index only: seconds a page is served without asking upstream again.'),
    stale_if_error: seconds(0, 30 * 86_400)
      .default(86_400)
      .describe('index only: seconds a page stands in for an upstream that is away.'),
    content_addressed: z
      .boolean()
      .default(false)
      .describe(
        'index only: true where aa/bb/rest in a file URL is its BLAKE2b-256, as on PyPI; then that must hold too.',
      ),
    project_list: z
      .boolean()
      .default(true)
      .describe('index only: false keeps the list of all projects from being fetched.'),
    reuploads: z
      .boolean()
      .default(false)
      .describe('True where this index lets a file name change its bytes: its digests are then not pinned.'),
    credentials: credentials.optional().describe('As whom the upstream is read.'),
    ca: filePath
      .optional()
      .describe('Certificate authorities besides the usual ones, a PEM file relative to this one.'),
    proxy: proxy.optional().describe('How the upstream is reached where there is no way but a proxy.'),
    private_hosts: z
      .array(host)
      .max(64)
      .default([])
      .describe('Names that may lead into a private network though they are reached by plain http.'),
    insecure_upstream: z
      .enum([INSECURE_UPSTREAM, INSECURE_INDEX])
      .optional()
      .describe('Needed for http:// to anything but loopback; the first with evidence tuf, the second with index.'),
  })
  .superRefine((given, context) => {
    if (given.insecure_upstream !== undefined && given.insecure_upstream !== insecureWords(given))
      context.addIssue({
        code: 'custom',
        path: ['insecure_upstream'],
        message: `must be, word for word, ${insecureWords(given)}`,
      });
    if (given.root !== undefined && given.evidence === 'index')
      context.addIssue({
        code: 'custom',
        path: ['root'],
        message: 'has no meaning with evidence: index; leave one of them out',
      });
    if (given.root === undefined && given.evidence !== 'index')
      context.addIssue({
        code: 'custom',
        path: ['root'],
        message: 'is missing: give the pinned root.json, or say evidence: index where upstream signs nothing',
      });
  });

/** What an operator has to write to have an index read by plain http. */
export function insecureWords({ root }: { readonly root?: unknown }): string {
  return root === undefined ? INSECURE_INDEX : INSECURE_UPSTREAM;
}

const indexName = z
  .string()
  .regex(INDEX_NAME, INDEX_NAME_RULE)
  .refine((name) => !RESERVED_NAMES.has(name), 'this name means something else in our URLs: choose another');

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
        tls: tls.optional().describe('Speak TLS. Read again at SIGHUP.'),
        auth: auth.optional().describe('Ask who reads: basic authentication or a token. Read again at SIGHUP.'),
        trusted_proxies: z
          .array(network)
          .max(64)
          .default([])
          .describe(
            'Addresses or networks of the proxies in front of this mirror: from them alone, X-Forwarded-For or Forwarded says who the client is.',
          ),
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
    ...sealing,
    cache: z
      .strictObject({
        max_bytes: size.prefault('10 GB').describe('Proved files kept on disk; the least recently used make room.'),
        memory_bytes: size
          .prefault('96 MiB')
          .describe('Memory for ready-made pages and what they are made from, all indexes together.'),
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
    indexes: z.record(indexName, index).default({}).describe('By name; `main` is also served at /.'),
  })
  .superRefine((given, context) => {
    const message = sealFault(given);
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['seal_key_file'], message });
  });

/** The file with every default filled in. */
export type ParsedFile = z.output<typeof schema>;
