/** Most bytes of each kind of document, and most roles that one question may visit. */
export const LIMITS = {
  page: 32 * 1024 * 1024,
  /** One page with the files of all projects, which is read here and now. */
  flatPage: 8 * 1024 * 1024,
  list: 128 * 1024 * 1024,
  /** A list that is looked into at the start; a larger one is known to be there, and is not fetched for that. */
  listAtStart: 1024 * 1024,
  /** A page that is looked into here and now, for what upstream is like. */
  pageAtStart: 1024 * 1024,
  coreMetadata: 4 * 1024 * 1024,
  /** A file whose listing states no length. */
  file: 16 * 1024 * 1024 * 1024,
  /** Role files visited to find the digests of a page's bare entries. */
  rolesPerPage: 64,
  /** Roles looked through for the delegator of a role asked for by name. */
  rolesPerName: 32,
  /** Delegations of one role that are remembered by name when it is loaded, for clients that ask for them next. */
  namedDelegations: 1024,
} as const;

/** What a client waits for upstream's word where an older one can be served. Milliseconds. */
export const LONGEST_WAIT_MS = 5000;
/** How long what was believed is served while upstream is asked behind, once it is no longer fresh. Seconds. */
export const WHILE_REVALIDATING = 300;
/** How long a page stands without being asked for where upstream's list counts for it what it came with. Seconds. */
export const SPARED_FOR = 86_400;
/** Changes of others (an operator's command, another process) that one answer gives way to. */
export const SUPERSEDED_MOST = 3;
