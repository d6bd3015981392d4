/**
 * What an index may be called: it is a segment of our URLs, a directory of the data directory and a label of metrics, so it
 * holds nothing that any of them reads otherwise; no dot either.
 */
export const INDEX_NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** For sentences about a name that is none. */
export const INDEX_NAME_RULE = 'an index name is lower-case letters, digits, - and _';
