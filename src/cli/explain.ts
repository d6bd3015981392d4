import { compose } from '../app/compose.ts';
import { indexOf } from '../app/data-directory.ts';
import { explanationLines } from '../app/explanation-text.ts';
import { noEvents } from '../app/no-events.ts';
import { internalCaller } from '../async/caller.ts';
import { existing } from '../bytes/existing.ts';
import { type Reason, Refusal } from '../bytes/refusal.ts';
import type { Config } from '../config/config.ts';
import { print, printJson } from './output.ts';

/** `verbatim explain PROJECT|FILE`: who vouches for it, and what an attacker would have to hold; of what is held, without asking upstream. */
export async function explain(
  config: Config,
  name: string,
  indexName: string | undefined,
  json: boolean,
): Promise<void> {
  if (indexName !== undefined) indexOf(config, indexName);
  const composition = await compose({ config, emit: noEvents, reading: true });
  try {
    const found = composition.indexes.find((candidate) => indexName === undefined || candidate.name === indexName);
    const index = existing(found, 'no index was composed');
    const explanation = await index.explain(name, internalCaller(index.name, 'explain')).catch((error: unknown) => {
      throw notAsked(error, index.name, name, 'explain');
    });
    if (json) printJson({ index: index.name, ...explanation });
    else print(...explanationLines(explanation, composition.clock.judged()));
  } finally {
    await composition.close();
  }
}

/** What would have been asked of upstream: said as what it means for what is held. */
export function notAsked(error: unknown, index: string, name: string, command: string): unknown {
  const about = error instanceof Refusal ? WHY_NOT[error.reason]?.(index, name) : undefined;
  if (!(error instanceof Refusal) || about === undefined) return error;
  const reason = error.reason === 'offline' ? 'unlisted' : error.reason;
  const remedy = `Install it through the mirror, or have it looked at first: verbatim refresh ${index} ${name}`;
  return new Refusal(reason, `${about}, and "${command}" asks nobody else. ${remedy}`, { subject: 'request' });
}

const WHY_NOT: Partial<Record<Reason, (index: string, name: string) => string>> = {
  offline: (index, name) => `Nothing of ${name} is held of the index ${index}`,
  expired: (index) => `The signed metadata that is held of the index ${index} has expired`,
};
