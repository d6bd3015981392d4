import { compose } from '../app/compose.ts';
import { explanationLines } from '../app/explanation-text.ts';
import { noEvents } from '../app/no-events.ts';
import { internalCaller } from '../async/caller.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Config } from '../config/config.ts';
import { print, printJson } from './output.ts';

/** `verbatim explain PROJECT|FILE`: who vouches for it, and what an attacker would have to hold. */
export async function explain(
  config: Config,
  name: string,
  indexName: string | undefined,
  json: boolean,
): Promise<void> {
  const composition = await compose({ config, emit: noEvents });
  try {
    const index = composition.indexes.find((candidate) => indexName === undefined || candidate.name === indexName);
    if (index === undefined)
      throw new Refusal('unlisted', `No index called ${indexName} is configured.`, { subject: 'request' });
    const explanation = await index.explain(name, internalCaller(index.name, 'explain'));
    if (json) printJson({ index: index.name, ...explanation });
    else print(...explanationLines(explanation, composition.clock.judged()));
  } finally {
    await composition.close();
  }
}
