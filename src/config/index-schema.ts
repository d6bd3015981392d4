import { z } from 'zod';
import { indexKind, KIND_CHOICE, KIND_NAMES, knownIndex, LAYOUT_NAMES } from '../presets/known-upstreams.ts';
import { absent } from './absence.ts';
import { credentials, proxy } from './access.ts';
import { of, owned } from './combined/schema.ts';
import { imported } from './import-schema.ts';
import { lookAhead } from './look-ahead.ts';
import { policyFaults, policySchema } from './policy/schema.ts';
import { duration } from './policy/values.ts';
import { provenance } from './provenance/schema.ts';
import { timeouts } from './timeouts.ts';
import { baseOrPath, fetchedUrl, fileHost, filePath, host, seconds, secondsOrForever, size } from './values.ts';

// What verbatim.yaml may say of an index.

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

/** It has a pinned root: one that is given, or that of Sigstore's own repository, which comes with this program. */
export function hasRoot({ root, layout: named, evidence }: RootSaid): boolean {
  return root !== undefined || (named === 'sigstore' && evidence !== 'index');
}

interface RootSaid {
  readonly root?: unknown;
  readonly layout?: unknown;
  readonly evidence?: unknown;
}

/** One index. */
export const index = z
  .strictObject({
    upstream: fetchedUrl.optional().describe('The index this one mirrors; left out where bundles bring it (import).'),
    of: of
      .optional()
      .describe(
        'This is no index but one address over several, named in the order that they are asked in: the first that has a project has it whole. Nothing else is said of it but owned.',
      ),
    owned: owned
      .optional()
      .describe(
        'With of, by the name of an index: projects, such as acme-*, that are its alone. No other is asked for them, whether it has them or not.',
      ),
    import: imported
      .optional()
      .describe('The index arrives in bundles (verbatim import), and nobody is ever asked for anything of it.'),
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
        'The pinned root.json, relative to this file. Get it over a channel you trust: everything rests on it. The one of layout sigstore comes with Verbatim.',
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
    undigested: z
      .enum(['first-sight', 'withhold'])
      .default('first-sight')
      .describe(
        'index only: files whose page states no usable digest (none, MD5 alone). first-sight = looked into when first asked for, then held to that for ever; withhold = left out.',
      ),
    second_fetch_up_to: size
      .prefault('64 MB')
      .describe(
        'index only: up to this size a file is believed at first sight only when a second fetch brings the same.',
      ),
    provenance: provenance
      .optional()
      .describe(
        'index only: how much it decides who published a file (PEP 740, docs/provenance.md): off, report (where nothing is said), require-when-present or require; or that with its settings.',
      ),
    reuploads: z
      .boolean()
      .default(false)
      .describe('True where this index lets a file name change its bytes: its digests are then not pinned.'),
    removed: z
      .enum(['refuse', 'serve'])
      .default('refuse')
      .describe(
        'A file that upstream lists no more: refuse = not served, by its address neither; serve = what is held and was proved goes on being served by its address, out of pages, for sites that keep old locks alive. What is or was in quarantine is refused either way.',
      ),
    trace: z
      .boolean()
      .default(false)
      .describe(
        'True tells the index itself, and no other host, what a client calls its request (X-Request-Id, traceparent): for a second Verbatim, whose log then says the same.',
      ),
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
    look_ahead: lookAhead.describe('What is looked at before a client asks for it.'),
    minimum_age: duration
      .optional()
      .describe('What a file must have been there for before it is served: 7d, 36h. More of that is in policy.'),
    policy: policySchema.optional().describe('What may be served besides being proved.'),
    policy_file: filePath.optional().describe('The same in a file of its own, relative to this one.'),
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
    if (given.of !== undefined) return;
    if (given.insecure_upstream !== undefined && given.insecure_upstream !== insecureWords(given))
      context.addIssue({
        code: 'custom',
        path: ['insecure_upstream'],
        message: `must be, word for word, ${insecureWords(given)}`,
      });
    for (const [path, message] of policyFaults(given)) context.addIssue({ code: 'custom', path: [path], message });
    if (given.upstream === undefined && given.import === undefined)
      context.addIssue({
        code: 'custom',
        path: ['upstream'],
        message: 'is missing: give the address of the index, or import where bundles bring it',
      });
    if (given.upstream !== undefined && given.import !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['upstream'],
        message: 'has no meaning with import: an index is fetched, or bundles bring it; leave one of them out',
      });
    if (given.import?.keys.length === 0 && given.evidence === 'index')
      context.addIssue({
        code: 'custom',
        path: ['import', 'keys'],
        message: 'is missing: where upstream signs nothing, a bundle is believed by its signature alone',
      });
    if (given.removed === 'serve' && (given.reuploads || given.import !== undefined))
      context.addIssue({
        code: 'custom',
        path: ['removed'],
        message:
          'must be refuse: what bundles bring is listed by them, and with reuploads nothing is remembered of a file that is listed no more',
      });
    // Whatever kind an index that is known by its address is said to be.
    const strict = [given.kind, given.upstream === undefined ? undefined : knownIndex(given.upstream)?.kind].find(
      (kind) => kind && indexKind(kind).undigested,
    );
    if (strict !== undefined && given.evidence === 'index' && given.undigested === 'first-sight')
      context.addIssue({
        code: 'custom',
        path: ['undigested'],
        message: `must be withhold: an index of the kind ${strict} states a digest of every file, and one without has lost it`,
      });
    const isSigned = hasRoot(given);
    if (given.root !== undefined && given.evidence === 'index')
      context.addIssue({
        code: 'custom',
        path: ['root'],
        message: 'has no meaning with evidence: index; leave one of them out',
      });
    if (isSigned && given.provenance !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['provenance'],
        message: 'has no meaning with a root: a signed index has no place for provenance',
      });
    if ((given.client_cert === undefined) !== (given.client_key === undefined))
      context.addIssue({
        code: 'custom',
        path: ['client_cert'],
        message: 'client_cert and client_key go together',
      });
    if (given.kind !== undefined && isSigned)
      context.addIssue({
        code: 'custom',
        path: ['kind'],
        message: 'has no meaning with a root: an index that is signed has a layout',
      });
    if (!isSigned && given.evidence !== 'index')
      context.addIssue({
        code: 'custom',
        path: ['root'],
        message: 'is missing: give the pinned root.json, or say evidence: index where upstream signs nothing',
      });
  });

/** What an operator has to write to have an index read by plain http. */
export function insecureWords(given: RootSaid): string {
  return hasRoot(given) ? INSECURE_UPSTREAM : INSECURE_INDEX;
}
