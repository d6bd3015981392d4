import { within } from '../async/timeout.ts';
import { clean } from '../bytes/printable.ts';
import type { Answer } from './exchange.ts';
import { plainHttp } from './node-http.ts';

/** Of a refusal's body, so much is read. Bytes. */
const MOST_READ = 8 * 1024;
/** A refusal is told even where its words are slow to come. Milliseconds. */
const LONGEST_READ = 2000;
/** Characters that are passed on. */
const MOST_WORDS = 300;

/** Why upstream says no: for people, and as it came. */
export interface Why {
  /** One line, bounded, without control characters; empty where nothing was said. */
  readonly words: string;
  /** The start of the body. */
  readonly body: string;
}

/** Reads the reason out of an answer that is a refusal; the answer's body is used up. Throws nothing. */
export async function whyOf(answer: Answer): Promise<Why> {
  const body = await within(LONGEST_READ, beginningOf(answer), '');
  const phrase = phraseOf(answer);
  const told = messageIn(body, answer.headers['content-type'] ?? '');
  const words = [phrase, told].filter((part, at, all) => part !== '' && all.indexOf(part) === at).join(': ');
  const line = clean(words.replace(/\s+/g, ' ').trim());
  return { words: line.length > MOST_WORDS ? `${line.slice(0, MOST_WORDS)}…`.toWellFormed() : line, body };
}

async function beginningOf(answer: Answer): Promise<string> {
  const parts: Uint8Array[] = [];
  let read = 0;
  try {
    for await (const part of answer.body(Number.MAX_SAFE_INTEGER)) {
      parts.push(Uint8Array.from(part));
      read += part.byteLength;
      if (read >= MOST_READ) break;
    }
  } catch {
    // What came of it is told; that the rest did not come changes nothing of the refusal.
  }
  return Buffer.concat(parts).toString('utf8').slice(0, MOST_READ);
}

/** Firewalls of repositories put their reason where pip prints it. */
function phraseOf({ status, phrase }: Answer): string {
  return phrase.toLowerCase() === plainHttp().STATUS_CODES[status]?.toLowerCase() ? '' : phrase;
}

/** Members that hold the sentence for people, in the order they are looked for. */
const MEMBERS = ['message', 'detail', 'error_description', 'reason', 'title', 'error', 'errors'];
const DEEPEST = 4;

function messageIn(body: string, type: string): string {
  if (/json/i.test(type) || /^\s*[{[]/.test(body)) {
    const found = sentenceIn(parsed(body));
    if (found !== undefined) return found;
  }
  if (!/^\s*</.test(body)) return body;
  const xml = /<(Message|Code|title)>([^<]*)<\/\1>/i.exec(body)?.[2];
  return xml ?? body.replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, ' ').replace(/<[^>]*>/g, ' ');
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function sentenceIn(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || depth > DEEPEST) return undefined;
  if (Array.isArray(value)) {
    const all = value.map((each) => sentenceIn(each, depth + 1)).filter((each) => each !== undefined);
    return all.length === 0 ? undefined : all.join('; ');
  }
  for (const member of MEMBERS) {
    const found = Object.hasOwn(value, member) ? sentenceIn(Reflect.get(value, member), depth + 1) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}
