import type { IndexConfig } from '../config/config.ts';
import type { IndexStatus } from '../mirror/package-index.ts';

// What each kind of evidence is worth, in words for people who have never heard of TUF. No text lets the weaker kind pass
// for the stronger.

/** For the moment of starting: how files are proved, and who could still tamper. */
export function evidenceLines({ evidence, upstream, insecureUpstream, reuploads }: IndexConfig): readonly string[] {
  if (evidence === 'tuf')
    return [
      'Evidence: tuf. Every page and every file is proved by signatures, from the root you gave, before it is served.',
    ];
  const way =
    insecureUpstream || new URL(upstream).protocol === 'http:'
      ? 'the network between here and there'
      : 'its TLS certificate';
  const seen = reuploads
    ? 'and names may change their bytes (reuploads: true). Whoever'
    : 'and what was seen once never changes under its name. But whoever';
  return [
    `Evidence: index. This upstream signs nothing, so this is weaker than tuf: every file is proved against the digest on its page, ${seen} controls the upstream, its storage or ${way} chooses the bytes of ${reuploads ? 'every file' : 'a file that this mirror has never seen before'}.`,
  ];
}

/** For `status`: the same, and who could forge what on the disk of this mirror. */
export function statusEvidence({ evidence, sealed }: Pick<IndexStatus, 'evidence' | 'sealed'>): readonly string[] {
  if (evidence === 'tuf')
    return ['evidence: tuf - every page and file is proved by a chain of signatures from the root you pinned'];
  return [
    'evidence: index - weaker than tuf: upstream signs nothing. Every file is proved against the digest on its page, and a',
    '  file name keeps the digest it was first confirmed with. Whoever controls upstream or the way to it (its TLS) chooses',
    '  the bytes of files never seen here before; what was seen, they can hide, but not change.',
    ...(sealed === undefined ? [] : sealed ? SEALED : UNSEALED),
  ];
}

const SEALED = [
  'state on disk: sealed - pages, pins and floors carry a MAC; who writes to the data directory without the key can delete',
  '  them (which stops serving until accept-state-loss), but not forge them',
];
const UNSEALED = [
  'state on disk: NOT sealed - whoever can write to the data directory can forge pages and pins, and so have files of their',
  '  choice served as seen before. Set seal_key_file to prevent that',
];
