/** Characters of If-None-Match that are looked at. */
const MOST_LISTED = 8192;

// RFC 9110 §8.8.3; sticky, so that a list is walked once.
const ELEMENT = /[ \t,]*(?:W\/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?=,|$)/y;

/** A strong tag, of a digest of the content itself: the same in every process and after every restart. */
export function strongTag(digest: string): string {
  return `"${digest}"`;
}

/** True for a tag that says that two bodies are the same to the byte. */
export function isStrong(etag: string): boolean {
  return etag.startsWith('"');
}

/** RFC 9110 §13.1.2: true where If-None-Match holds this strong tag (weak comparison, lists, `*`). */
export function isListed(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch === etag || ifNoneMatch.trim() === '*') return true;
  const list = ifNoneMatch.slice(0, MOST_LISTED);
  ELEMENT.lastIndex = 0;
  for (let match = ELEMENT.exec(list); match !== null; match = ELEMENT.exec(list)) {
    if (match[1] === etag) return true;
  }
  return false;
}

/** RFC 9110 §13.1.5: true where If-Range lets a part be sent. Strong comparison only; a date never matches, because no Last-Modified is sent. */
export function maySendPart(ifRange: string | undefined, etag: string): boolean {
  return ifRange === undefined || ifRange.trim() === etag;
}
