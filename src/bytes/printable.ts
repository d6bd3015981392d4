// What may go into a log line: anything at all may be in it, so it is made harmless first.

/** Characters of one field; a longer one is cut, and says so. */
export const MOST_CHARACTERS = 1_000;
/** Only so much of a field is looked at before it is cut, whatever its length. */
const MOST_READ = 4 * MOST_CHARACTERS;

// C0, DEL, C1; line and paragraph separators; marks that turn the direction of text; unpaired halves of a character.
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|\p{Cs}/gu;
const USERINFO = /((?<![a-z0-9+.-])[a-z][a-z0-9+.-]*:\/\/)[^/?#\s@]*(?:@[^/?#\s@]*)*@/gi;
const SECRET_PARAMETER =
  /([?&;](?:[\w-]*(?:token|secret|password|passwd|signature|credential|api[_-]?key)|key|sig|auth)=)[^&;#\s]*/gi;
const AUTHORIZATION = /\b(basic|bearer|token)\s+[A-Za-z0-9+/=_.~-]{8,}/gi;

/** One line, capped, without control characters and without credentials. */
export function clean(text: string): string {
  const printable = text.slice(0, MOST_READ).replaceAll(UNPRINTABLE, '\u00b7');
  const safe = printable
    .replaceAll(USERINFO, '$1***@')
    .replaceAll(SECRET_PARAMETER, '$1***')
    .replaceAll(AUTHORIZATION, '$1 ***');
  return safe.length > MOST_CHARACTERS || text.length > MOST_READ ? `${safe.slice(0, MOST_CHARACTERS)}…` : safe;
}
