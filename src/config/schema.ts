import { z } from 'zod';
import { INDEX_NAME, INDEX_NAME_RULE } from '../bytes/index-name.ts';
import { KIND_CHOICE, KIND_NAMES, LAYOUT_NAMES } from '../presets/known-upstreams.ts';
import { absent } from './absence.ts';
import { auth, credentials, proxy, sealFault, sealing, tls } from './access.ts';
import { cache } from './cache-schema.ts';
import { timeouts } from './timeouts.ts';
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
  secondsOrForever,
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
    kind: z
      .enum(KIND_NAMES, { error: `must be ${KIND_CHOICE}` })
      .optional()
      .describe(
        'index only: what kind of server it is, which says where its pages lie, which file hosts it has and how it says no; known of public ones by their address. Without it pages are looked for at the address and below.',
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
    file_hosts: z
      .array(fileHost)
      .max(64)
      .default([])
      .describe(
        'Other hosts the pages may send us to for files: host, host:port, an origin, *.domain for all hosts below it, or any-public for every public one by https.',
      ),
    refresh: seconds(1, 86_400).default(60).describe('Seconds before the signed metadata is looked at again.'),
    max_age: seconds(0, 86_400)
      .default(600)
      .describe('index only: seconds a page is served without asking upstream again.'),
    stale_if_error: secondsOrForever
      .default(30 * 86_400)
      .describe(
        'index only: seconds a page stands in for one that cannot be had or is refused; held files do for ever.',
      ),
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
    max_bytes: size
      .optional()
      .describe('Of cache.max_bytes, the most this index may hold; left out, an equal part is its own.'),
    absent: absent.prefault({}).describe('How upstream says that it does not have something.'),
    credentials: credentials.optional().describe('As whom the upstream is read.'),
    ca: filePath
      .optional()
      .describe('Certificate authorities besides the usual ones, a PEM file relative to this one.'),
    client_cert: filePath
      .optional()
      .describe(
        'The certificate that this mirror shows to upstream where it asks for one, a PEM file; with client_key.',
      ),
    client_key: filePath.optional().describe('Its private key, PEM.'),
    proxy: proxy.optional().describe('How the upstream is reached where there is no way but a proxy.'),
    timeouts: timeouts.describe('How long upstream is waited for; raise one where it is slow and honest.'),
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
    if ((given.client_cert === undefined) !== (given.client_key === undefined))
      context.addIssue({
        code: 'custom',
        path: ['client_cert'],
        message: 'client_cert and client_key go together',
      });
    if (given.kind !== undefined && given.root !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['kind'],
        message: 'has no meaning with a root: an index that is signed has a layout',
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
    ...sealing,
    contact: z
      .string()
      .max(200)
      .regex(/^[\x21-\x27\x2a-\x7e]+$/, 'must be an address or a URL, without blanks')
      .optional()
      .describe("A mail address or URL, told to upstream's operators in the User-Agent."),
    cache: cache.prefault({}),
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
    indexes: z.record(indexName, index).default({}).describe('By name; `main` is also served at /.'),
  })
  .superRefine((given, context) => {
    if (given.server.links === 'absolute' && given.server.public_url === undefined)
      context.addIssue({
        code: 'custom',
        path: ['server', 'links'],
        message: 'absolute needs server.public_url: only that says where clients reach this mirror',
      });
    const message = sealFault(given);
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['seal_key_file'], message });
  });

/** The file with every default filled in. */
export type ParsedFile = z.output<typeof schema>;
