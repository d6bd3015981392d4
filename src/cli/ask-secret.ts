import { createInterface } from 'node:readline/promises';

/** Lines of a pipe that nobody has asked for yet. */
const piped = new WeakMap<NodeJS.ReadStream, AsyncIterator<string>>();

/** The next line of standard input; from a terminal, which `question` is shown on, without showing it. Empty where there is none. */
export async function askSecret(question: string): Promise<string> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) return nextPiped(stdin);
  stderr.write(question);
  const reader = createInterface({ input: stdin, terminal: true });
  try {
    for await (const line of reader) return line;
    return '';
  } finally {
    reader.close();
    stderr.write('\n');
  }
}

async function nextPiped(stdin: NodeJS.ReadStream): Promise<string> {
  const lines = piped.get(stdin) ?? createInterface({ input: stdin })[Symbol.asyncIterator]();
  piped.set(stdin, lines);
  stdin.resume();
  const next = await lines.next();
  // A pipe that stays open keeps no command from its end.
  stdin.pause();
  return next.done === true ? '' : next.value;
}
