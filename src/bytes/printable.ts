// What may go into a log line or onto a terminal: anything at all may be in it, so it is made harmless first.

/** Characters of one field; a longer one is cut, and says so. */
export const MOST_CHARACTERS = 1_000;
/** Only so much of a field is looked at before it is cut, whatever its length. */
const MOST_READ = 4 * MOST_CHARACTERS;

// C0, DEL, C1; line and paragraph separators; marks that turn the direction of text; unpaired halves of a character.
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|\p{Cs}/gu;
const UNPRINTABLE_ONE = new RegExp(UNPRINTABLE.source, 'u');
const USERINFO = /((?<![a-z0-9+.-])[a-z][a-z0-9+.-]*:\/\/)[^/?#\s@]*(?:@[^/?#\s@]*)*@/gi;
const SECRET_PARAMETER =
  /([?&;](?:[\w-]*(?:token|secret|password|passwd|signature|credential|api[_-]?key)|key|sig|auth)=)[^&;#\s]*/gi;
const AUTHORIZATION = /\b(basic|bearer|token)\s+[A-Za-z0-9+/=_.~-]{8,}/gi;

/** One line for a terminal: nothing in it moves the cursor, ends the line, changes the title or turns the direction of text. */
export function shown(text: string): string {
  return text.replaceAll(UNPRINTABLE, '\u00b7');
}

/** One field of such a line: it cannot look like several, set in columns. */
export function shownField(text: string): string {
  return shown(text).replaceAll(/\s+/g, ' ');
}

/** The same in JSON, where each such character can be written down. Read again, it says what it said. */
export function shownJson(json: string): string {
  return json.replaceAll(/[^\n]/gu, (character) =>
    UNPRINTABLE_ONE.test(character) ? escapeJson(character) : character,
  );
}

function escapeJson(character: string): string {
  return [...Array(character.length).keys()]
    .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('');
}

/** One line, capped, without control characters and without credentials. */
export function clean(text: string): string {
  const printable = shown(text.slice(0, MOST_READ));
  const safe = printable
    .replaceAll(USERINFO, '$1***@')
    .replaceAll(SECRET_PARAMETER, '$1***')
    .replaceAll(AUTHORIZATION, '$1 ***');
  return safe.length > MOST_CHARACTERS || text.length > MOST_READ ? `${safe.slice(0, MOST_CHARACTERS)}…` : safe;
}
