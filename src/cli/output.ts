import { shown, shownJson } from '../bytes/printable.ts';

// The only way to the terminal. Each argument is one line, whatever is in it: names, reasons and addresses come from outside.

/** Results go to standard output; everything said beside them goes to standard error. */
export function print(...lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${shown(line)}\n`).join(''));
}

/** The same for people: prose is folded to the width of the terminal, and what is to be pasted stays whole. */
export function printFolded(...lines: readonly string[]): void {
  const { columns } = process.stdout;
  print(...(process.stdout.isTTY && columns > 0 ? lines.flatMap((line) => folded(line, columns)) : lines));
}

/** Further lines are set in as the first is. A line that begins like a command is not folded. */
export function folded(line: string, columns: number): readonly string[] {
  const indent = /^ */.exec(line)?.[0] ?? '';
  if (line.length <= columns || /^ *(?:pip|uv|curl|verbatim) /.test(line)) return [line];
  const lines: string[] = [];
  let current = indent;
  for (const word of line.slice(indent.length).split(' ')) {
    if (current.length > indent.length && current.length + 1 + word.length > columns) {
      lines.push(current);
      current = indent;
    }
    current += current.length > indent.length ? ` ${word}` : word;
  }
  return [...lines, current];
}

export function say(...lines: readonly string[]): void {
  process.stderr.write(lines.map((line) => `${shown(line)}\n`).join(''));
}

export function printJson(value: unknown): void {
  const json = JSON.stringify(
    value,
    (_, member: unknown) => (member instanceof Map ? Object.fromEntries(member) : member),
    2,
  );
  process.stdout.write(`${shownJson(json)}\n`);
}

/** One JSON value a line, for whoever reads while it goes on. */
export function printJsonLine(value: unknown): void {
  const json = JSON.stringify(value, (_, member: unknown) =>
    member instanceof Map ? Object.fromEntries(member) : member,
  );
  process.stdout.write(`${shownJson(json)}\n`);
}

/** A line of a terminal that is written over by the next one; empty to take it away. False, and nothing is written, where there is no terminal. */
export function sayOver(line: string): boolean {
  if (!process.stderr.isTTY) return false;
  process.stderr.write(`\r\u001b[2K${shown(line).slice(0, Math.max(20, process.stderr.columns - 1))}`);
  return true;
}
