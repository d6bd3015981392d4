import { createInterface } from 'node:readline/promises';

/** One line of standard input; from a terminal, which `question` is shown on, without showing it. Empty where there is none. */
export async function askSecret(question: string): Promise<string> {
  const { stdin, stderr } = process;
  if (stdin.isTTY) stderr.write(question);
  const reader = createInterface({ input: stdin, terminal: stdin.isTTY });
  try {
    for await (const line of reader) return line;
    return '';
  } finally {
    reader.close();
    if (stdin.isTTY) stderr.write('\n');
  }
}
