/** PEP 691. */
export const SIMPLE_JSON = 'application/vnd.pypi.simple.v1+json';
export const SIMPLE_HTML = 'application/vnd.pypi.simple.v1+html';
/** PEP 503. */
export const HTML = 'text/html';
/** PEP 740. */
export const INTEGRITY = 'application/vnd.pypi.integrity.v1+json';
export const JSON_TYPE = 'application/json';

/** What an index is asked for, its list as well: JSON says most; HTML is what every index has. */
export const PAGE_ACCEPT = `${SIMPLE_JSON}, ${SIMPLE_HTML};q=0.2, ${HTML};q=0.01`;
