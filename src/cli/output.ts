/** Results go to standard output; everything said beside them goes to standard error. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(
    JSON.stringify(value, (_, member: unknown) => (member instanceof Map ? Object.fromEntries(member) : member), 2),
  );
}
