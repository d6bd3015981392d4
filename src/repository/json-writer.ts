// JSON as a repository writes it. Independent of the verifier on purpose: tests sign with this and check with src/tuf.

/** How a document's text is laid out; signatures do not depend on it, digests of the file do. */
export interface Style {
  /** Spaces a level; 0 is compact. */
  readonly indent?: number;
  readonly order?: 'as-written' | 'sorted' | 'reversed';
  readonly finalNewline?: boolean;
}

/** Orders strings by code point, as UTF-8 bytes would be; JavaScript's `<` orders by UTF-16 unit. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const xAstral = x >= 0xd800 && x <= 0xdfff;
    const yAstral = y >= 0xd800 && y <= 0xdfff;
    if (xAstral !== yAstral) return xAstral ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}

function membersOf(value: object): [string, unknown][] {
  const members: [string, unknown][] = value instanceof Map ? [...value] : Object.entries(value);
  return members.filter(([, member]) => member !== undefined);
}

function writeInteger(value: number | bigint): string {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new TypeError(`not an exact integer: ${value}`);
  return String(value);
}

function writeCanonical(value: unknown, into: string[]): void {
  if (typeof value === 'string') into.push('"', value.replaceAll('\\', '\\\\').replaceAll('"', '\\"'), '"');
  else if (typeof value === 'number' || typeof value === 'bigint') into.push(writeInteger(value));
  else if (typeof value === 'boolean' || value === null) into.push(String(value));
  else if (Array.isArray(value)) {
    into.push('[');
    value.forEach((item, i) => {
      if (i > 0) into.push(',');
      writeCanonical(item, into);
    });
    into.push(']');
  } else if (typeof value === 'object') {
    into.push('{');
    const members = membersOf(value).sort(([a], [b]) => compareCodePoints(a, b));
    members.forEach(([name, member], i) => {
      if (i > 0) into.push(',');
      writeCanonical(name, into);
      into.push(':');
      writeCanonical(member, into);
    });
    into.push('}');
  } else throw new TypeError(`cannot be JSON: ${typeof value}`);
}

/** OLPC canonical JSON, what TUF signatures cover (TUF §4.1): sorted, no whitespace, only `\` and `"` escaped. */
export function canonicalText(value: unknown): string {
  const pieces: string[] = [];
  writeCanonical(value, pieces);
  return pieces.join('');
}

export function canonicalBytes(value: unknown): Uint8Array {
  return Buffer.from(canonicalText(value), 'utf8');
}

function writeText(value: unknown, style: Style, margin: string, into: string[]): void {
  if (typeof value === 'number' || typeof value === 'bigint') into.push(String(value));
  else if (typeof value !== 'object' || value === null) into.push(JSON.stringify(value));
  else {
    const inner = margin + ' '.repeat(style.indent ?? 0);
    const isArray = Array.isArray(value);
    const items: (readonly [string | undefined, unknown])[] = isArray
      ? value.map((item) => [undefined, item] as const)
      : ordered(membersOf(value), style);
    into.push(isArray ? '[' : '{');
    items.forEach(([name, item], i) => {
      if (i > 0) into.push(',');
      if (style.indent) into.push('\n', inner);
      if (name !== undefined) into.push(JSON.stringify(name), style.indent ? ': ' : ':');
      writeText(item, style, inner, into);
    });
    if (style.indent && items.length > 0) into.push('\n', margin);
    into.push(isArray ? ']' : '}');
  }
}

function ordered(members: [string, unknown][], style: Style): [string, unknown][] {
  if (style.order === 'sorted') return members.sort(([a], [b]) => compareCodePoints(a, b));
  if (style.order === 'reversed') return members.reverse();
  return members;
}

/** The file's text: any style reads the same, no two styles have the same digest. */
export function jsonText(value: unknown, style: Style = {}): string {
  const pieces: string[] = [];
  writeText(value, style, '', pieces);
  if (style.finalNewline) pieces.push('\n');
  return pieces.join('');
}
