import { compose } from '../app/compose.ts';
import { indexOf } from '../app/data-directory.ts';
import { explanationLines } from '../app/explanation-text.ts';
import { noEvents } from '../app/no-events.ts';
import { internalCaller } from '../async/caller.ts';
import { Refusal } from '../bytes/refusal.ts';
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
    const index = composition.indexes.find((candidate) => indexName === undefined || candidate.name === indexName);
    if (index === undefined) throw new Refusal('unlisted', 'No index is configured.', { subject: 'request' });
    const explanation = await index.explain(name, internalCaller(index.name, 'explain')).catch((error: unknown) => {
      throw error instanceof Refusal && error.reason === 'offline' ? notHeld(index.name, name) : error;
    });
    if (json) printJson({ index: index.name, ...explanation });
    else print(...explanationLines(explanation, composition.clock.judged()));
  } finally {
    await composition.close();
  }
}

function notHeld(index: string, name: string): Refusal {
  return new Refusal(
    'unlisted',
    `Nothing of ${name} is held of the index ${index}, and "explain" asks nobody else. Install it through the mirror, or have its page looked at first: verbatim refresh ${index} ${name}`,
    { subject: 'request' },
  );
}
