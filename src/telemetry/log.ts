import { pino, stdTimeFunctions } from 'pino';
import { clean } from '../bytes/printable.ts';
import { openStandardError } from './standard-error.ts';

// Diagnostics: one JSON object a line on standard error, or one line of text where a person is looking.

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type Level = (typeof LEVELS)[number];
export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Writes one event a call; never throws, never waits. */
export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** Whether lines of this level are written at all. */
  writes(level: Level): boolean;
  /** Resolves when nothing waits to be written; for the end of the process. */
  flush(): Promise<void>;
  /** Lines lost because nobody read them in time, since start. */
  readonly dropped: () => number;
}

export interface Sink {
  write(line: string): void;
}

export interface LogOptions {
  readonly level: Level;
  readonly format: 'json' | 'text';
  /** Of text: a terminal that shows colours. */
  readonly colours?: boolean | undefined;
  /** Where lines go; standard error otherwise. */
  readonly sink?: Sink | undefined;
}

/** Fields of one line. */
const MOST_FIELDS = 24;

export function createLog({ level, format, colours = false, sink }: LogOptions): Log {
  let dropped = 0;
  const standardError = sink === undefined ? openStandardError(() => dropped++) : undefined;
  const lines: Sink = sink ?? standardError ?? { write: () => undefined };
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    format === 'json' ? lines : { write: (line: string) => lines.write(toText(line, colours ? PAINTED : PLAIN)) },
  );
  const at =
    (each: Level) =>
    (message: string, fields: Fields = {}) => {
      try {
        logger[each](cleanFields(fields), clean(message));
      } catch {
        dropped++;
      }
    };
  // Asked with every answer, and the level stays as it is.
  const written = new Set(LEVELS.filter((each) => logger.isLevelEnabled(each)));
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    writes: (each) => written.has(each),
    flush: () => standardError?.flush() ?? Promise.resolve(),
    dropped: () => dropped,
  };
}

function cleanFields(fields: Fields): Record<string, string | number | boolean> {
  const cleaned: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(fields).slice(0, MOST_FIELDS)) {
    if (value !== undefined) cleaned[name] = typeof value === 'string' ? clean(value) : value;
  }
  return cleaned;
}

type Paint = (text: string, how: 'faint' | 'warn' | 'error') => string;

const PLAIN: Paint = (text) => text;
const CODES = { faint: 2, warn: 33, error: 31 } as const;
const PAINTED: Paint = (text, how) => `\u001b[${CODES[how]}m${text}\u001b[0m`;

/** `14:00:00 warn  message  index=main reason=digest`: the word that machines go by is left out. */
function toText(line: string, paint: Paint): string {
  const { level, time, message, event: _, ...fields }: Record<string, unknown> = JSON.parse(line);
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${quoted(String(value))}`);
  const word = String(level).padEnd(5);
  return [
    paint(String(time).slice(11, 19), 'faint'),
    ` ${level === 'warn' || level === 'error' ? paint(word, level) : paint(word, 'faint')} ${message}`,
    rest.length > 0 ? `  ${paint(rest.join(' '), 'faint')}` : '',
    '\n',
  ].join('');
}

function quoted(value: string): string {
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
