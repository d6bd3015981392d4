/** Characters that become bytes at a time. */
const A_PART = 1024 * 1024;

/** Lines as bytes, part by part: all of a large document as one text would stand in the heap twice, as lines and as a whole. */
export function joinedLines(head: string, lines: Iterable<string>, between: string, tail: string): Buffer {
  const parts: Buffer[] = [];
  let text = head;
  let isFirst = true;
  for (const line of lines) {
    text += isFirst ? line : between + line;
    isFirst = false;
    if (text.length < A_PART) continue;
    parts.push(Buffer.from(text));
    text = '';
  }
  parts.push(Buffer.from(text + tail));
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
}

/** Maps one by one, so that no second list of all is made. */
export function* mapped<T>(items: Iterable<T>, map: (item: T) => string): Generator<string, void, undefined> {
  for (const item of items) yield map(item);
}
