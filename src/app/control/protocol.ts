import { z } from 'zod';
import { REASONS, Refusal } from '../../bytes/refusal.ts';

// One line of JSON asks, one line answers, and the connection ends. Each names the version of the protocol.

export const PROTOCOL = 1;
/** Bytes of a line that asks, and of one that answers. */
export const MAX_REQUEST = 256 * 1024;
export const MAX_ANSWER = 32 * 1024 * 1024;
/** Whoever connects says within this time what it wants, and is there at once to be answered. Milliseconds. */
export const REQUEST_MS = 5000;
/** Connections at once. */
export const MAX_CONNECTIONS = 16;

const Line = z.object({ verbatim: z.number() });
const Request = z.object({ do: z.string().max(64), with: z.unknown() });
const Answer = z.union([
  z.object({ answer: z.unknown() }),
  z.object({ refused: z.object({ reason: z.enum(REASONS), message: z.string() }) }),
  z.object({ failed: z.string() }),
]);

/** A line that asks for something. */
export function requestLine(name: string, about: unknown): string {
  return `${JSON.stringify({ verbatim: PROTOCOL, do: name, with: about })}\n`;
}

export function answerLine(answer: unknown): string {
  return `${JSON.stringify({ verbatim: PROTOCOL, answer }, plain)}\n`;
}

/** A refusal is handed on as it is; any other error is a defect, and only its words are. */
export function errorLine(error: unknown): string {
  const said =
    error instanceof Refusal
      ? { refused: { reason: error.reason, message: error.message } }
      : { failed: error instanceof Error ? error.message : String(error) };
  return `${JSON.stringify({ verbatim: PROTOCOL, ...said })}\n`;
}

/** Throws Refusal `format` for what is no request of this version. */
export function readRequest(line: string): { readonly name: string; readonly about: unknown } {
  const { do: name, with: about } = parsed(Request, line);
  return { name, about };
}

/** What was answered. Throws the Refusal that came instead. */
export function readAnswer<T>(schema: z.ZodType<T>, line: string): T {
  const said = parsed(Answer, line);
  if ('refused' in said) throw new Refusal(said.refused.reason, said.refused.message, { subject: 'request' });
  if ('failed' in said) throw new Error(`the server met an error: ${said.failed}`);
  const { data, error } = schema.safeParse(said.answer);
  if (error !== undefined) throw wrong('says what this program does not know');
  return data;
}

function parsed<T>(schema: z.ZodType<T>, line: string): T {
  const value = jsonOf(line);
  const version = Line.safeParse(value).data?.verbatim;
  if (version !== undefined && version !== PROTOCOL)
    throw wrong(`speaks version ${version} of the protocol, and this one ${PROTOCOL}: use the same program`);
  const { data } = schema.safeParse(value);
  if (version === undefined || data === undefined) throw wrong('does not speak the protocol');
  return data;
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function wrong(what: string): Refusal {
  return new Refusal('format', `The other end of the control socket ${what}.`, { subject: 'request' });
}

/** Maps as objects; what is not known is null, so that every key is always there. */
function plain(_: string, member: unknown): unknown {
  if (member instanceof Map) return Object.fromEntries(member);
  return member === undefined ? null : member;
}
