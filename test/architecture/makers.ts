// Who may make a proof. A maker is a function that turns plain values into a proved one; it may be imported by the files
// named here and by no other, under whatever name, and a file that has one is never imported whole.

/** By file and name: the files, or folders with a slash at their end, that may import it. */
export const MAKERS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'src/bytes/proof.ts': {
    // Proved bytes as node wants them: for those who hash, decode, store or send, and never write into them.
    lend: [
      'src/bytes/frames.ts',
      'src/tuf/accept.ts',
      'src/tuf/verified.ts',
      'src/http/reply/doors.ts',
      'src/blobs/blob-store.ts',
      'src/bundle/export/held-metadata.ts',
      'src/mirror/common-documents.ts',
      'src/mirror/provenance/judging.ts',
      'src/mirror/carried/evidence.ts',
      'src/mirror/carried/upstream.ts',
      'src/app/fleet/sealed-list.ts',
      'src/app/fleet/sealed-pages.ts',
      'src/mirror/tuf/evidence.ts',
      'src/mirror/tuf/refresher.ts',
      'src/mirror/tuf/repository.ts',
      'src/mirror/tuf/roles.ts',
      'src/mirror/unsigned/documents.ts',
      'src/app/provenance/gather.ts',
      'src/cli/trusted-directory.ts',
    ],
  },
  'src/bytes/expected.ts': {
    makeExpected: [
      // A role that was verified.
      'src/tuf/delegation.ts',
      // A page that is believed.
      'src/mirror/projects/believed-page.ts',
      // A manifest that a key of this site's signed.
      'src/mirror/carried/generation.ts',
      // What was seen first, or is remembered of it.
      'src/bytes/first-sight.ts',
      // What was proved here once, and is pinned.
      'src/mirror/files/removed-files.ts',
    ],
  },
  'src/bytes/first-sight.ts': {
    // Whoever stored the whole body and hashed it.
    makeSighting: ['src/blobs/blob-store.ts'],
    rememberSight: ['src/mirror/files/first-sights.ts'],
  },
  // A stream that is held to no digest: what it comes to is a sighting, and no proof.
  'src/bytes/prover.ts': { createSightHasher: ['src/blobs/partials.ts'] },
  // `prove` compares the bytes itself, and is for everybody.
  'src/bytes/proven.ts': {},
  'src/ports/blob.ts': { makeBlob: ['src/blobs/parts.ts'] },
  'src/bytes/unverified.ts': { makeUnverifiedDocument: ['src/mirror/unsigned/documents.ts'] },
  'src/mirror/believed.ts': {
    makeBelieved: ['src/mirror/tuf/evidence.ts', 'src/mirror/unsigned/evidence.ts', 'src/mirror/carried/evidence.ts'],
  },
  'src/mirror/projects/believed-page.ts': { makeBelievedPage: ['src/mirror/projects/draw.ts'] },
  'src/bytes/authentic.ts': {
    makeAuthenticator: [
      'src/app/drawn-cache.ts',
      'src/app/fleet/beliefs.ts',
      'src/app/fleet/redis.ts',
      'src/app/fleet/peer-words.ts',
    ],
  },
  'src/render/page.ts': {
    makePage: [
      'src/mirror/projects/draw.ts',
      'src/mirror/projects/list-drawer.ts',
      // Of names that lists have which were drawn of what is believed.
      'src/mirror/combined-index.ts',
    ],
    restorePage: ['src/mirror/projects/drawn-bodies.ts'],
  },
  'src/mirror/files/file-answer.ts': {
    makeFileAnswer: ['src/mirror/files/files.ts', 'src/mirror/files/removed-files.ts', 'src/mirror/tuf/targets.ts'],
  },
  // What a document says is no authority before its own signatures held: decoding belongs to opening.
  'src/tuf/decode.ts': {
    decodeRoot: ['src/tuf/verified.ts'],
    decodeTimestamp: ['src/tuf/accept.ts', 'src/tuf/stored.ts'],
    decodeSnapshot: ['src/tuf/accept.ts', 'src/tuf/stored.ts'],
    decodeTargets: ['src/tuf/accept.ts', 'src/tuf/stored.ts'],
  },
  'src/tuf/authority.ts': {
    decodeAuthority: ['src/tuf/decode.ts', 'src/tuf/delegations.ts'],
    authorityOfBin: ['src/tuf/delegations.ts'],
  },
  'src/tuf/delegations.ts': { decodeDelegations: ['src/tuf/decode.ts'] },
  'src/tuf/verified.ts': {
    open: ['src/tuf/accept.ts', 'src/tuf/stored.ts'],
    reopen: ['src/tuf/accept.ts'],
    openRoot: ['src/tuf/trusted-root.ts'],
  },
  'src/tuf/trusted-root.ts': { pinRoot: ['src/tuf/updater.ts'], followRoot: ['src/tuf/accept.ts'] },
  // Whoever opens one says which root is trusted.
  'src/tuf/updater.ts': { openUpdater: ['src/mirror/tuf/restore.ts', 'src/cli/trusted-directory.ts'] },
  'src/tuf/stages.ts': {
    withTimestamp: ['src/tuf/accept.ts'],
    withSnapshot: ['src/tuf/accept.ts'],
    withTargets: ['src/tuf/accept.ts'],
  },
  'src/http/exchange.ts': {
    beginExchange: ['src/http/listener.ts'],
    outgoingOf: ['src/http/reply/'],
  },
  'src/http/reply/own-words.ts': { ownWords: ['src/http/routes/health.ts', 'src/http/routes/advisories.ts'] },
  // Ids of the feed in force, and records out of its archive.
  'src/advisories/answer.ts': { makeAdvisoryAnswer: ['src/app/advisories/answers.ts'] },
  // A template and a style: for everybody in the room.
  'src/web/html.ts': {},
  // Made of markup alone.
  'src/web/shown.ts': { makeShown: ['src/web/'] },
  'src/http/reply/answers.ts': { makeAnswer: ['src/http/reply/problems.ts'] },
};

/** Files that may cast, and why the types cannot say it. `as const` is no cast. */
export const CASTS: Readonly<Record<string, string>> = {
  'src/bytes/proof.ts': 'lend: the one place where read-only bytes become node’s',
  'src/http/reply/sending.ts': 'node only reads the headers it is given, and its types do not say so',
  'src/tuf/json/json-value.ts': 'members of an object lie in one array, names and values in turn',
  'src/tuf/json/json.ts': 'members of an object lie in one array, names and values in turn',
  'src/workers/thread.ts': 'the answer to a call is of its kind: dispatch.ts sees to it',
  'src/disk/database/database-thread.ts': 'the answer to a call is of its kind',
  'src/app/processes/channel.ts':
    'the supervisor and its workers are one program in one version, and nobody else has their channel',
  'src/config/faults.ts': 'zod types an issue by its code, and a path is put before any of them',
  'src/repository/signing-keys.ts': 'a key that is wrong on purpose, for tests',
};

/** Files that may read JSON with the parser of JavaScript, which takes the last of two equal members and any number. */
export const JSON_READERS: Readonly<Record<string, string>> = {
  'src/render/render-json.ts': 'lines of a list that this program drew',
  'src/bytes/json-pieces.ts': 'pieces of documents as others write them; what it gives is decoded strictly behind it',
  'src/tuf/json/json-text.ts': 'one string within quotes',
  'src/pypi/contents/differences.ts': 'two members of what an index says of a release, taken as strings or not at all',
  'src/upstream/words.ts': 'the one sentence for people in a refusal of upstream',
  'src/telemetry/log.ts': 'a line that this program wrote a moment ago',
  'src/disk/layout-1/former-lines.ts': 'tells whether a line is JSON',
  'src/s3/issued-keys.ts': 'what a platform says of keys, two strings of which are used',
  'src/disk/records/record-lines.ts': 'records of our own, for people',
  'src/disk/database/epoch-file.ts': 'decoded strictly behind it',
  'src/disk/bundles/sync-holds.ts': 'decoded strictly behind it',
  'src/blobs/scrub/record.ts': 'decoded strictly behind it',
  'src/disk/layout-1/former-files.ts': 'decoded strictly behind it',
  'src/state/framed.ts': 'decoded strictly behind it',
  'src/bundle/format/manifest-lines.ts': 'decoded strictly behind it, and compared with its one spelling',
  'src/bundle/export/state-lines.ts': 'decoded strictly behind it',
  'src/app/provenance/pins-file.ts': 'decoded strictly behind it',
  'src/bundle/format/seal.ts': 'decoded strictly behind it',
  'src/bundle/format/keys.ts': 'decoded strictly behind it',
  'src/cli/carry/import-command.ts': 'a list of words, taken as such or not at all',
  'src/app/control/protocol.ts': 'a line of another process of this user, decoded strictly behind it',
};
