import { Refusal } from '../bytes/refusal.ts';

/** What happened, in lines for a person: a sentence, and the cause below it where there is one. */
export function errorLines(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [String(error)];
  const reason = error instanceof Refusal ? ` [${error.reason}]` : '';
  const cause =
    error.cause instanceof Error && error.cause.message !== error.message ? [`  because: ${error.cause.message}`] : [];
  return [`${error.message}${reason}`, ...cause];
}
