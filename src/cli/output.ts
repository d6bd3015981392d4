import { shown, shownJson } from '../bytes/printable.ts';

// The only way to the terminal. Each argument is one line, whatever is in it: names, reasons and addresses come from outside.

/** Results go to standard output; everything said beside them goes to standard error. */
export function print(...lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${shown(line)}\n`).join(''));
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
