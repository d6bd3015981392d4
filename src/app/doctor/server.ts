import { instantText } from '../../bytes/instant.ts';
import type { Config } from '../../config/config.ts';
import { serversOn } from '../control/connect.ts';
import { LiveStatus } from '../control/status-answer.ts';
import { freshnessOf } from '../health/health.ts';
import { sentenceOf, type Trouble, verdictOn } from '../health/verdict.ts';
import { type Finding, findingsIn, wordsOf } from './finding.ts';

const { good, note, warning, error } = findingsIn('server');

/** The servers that run on the data directory, and what they know. */
export async function examineServers(config: Config): Promise<readonly Finding[]> {
  const { data } = config;
  const found: Finding[] = [];
  try {
    for (const server of await serversOn(data)) {
      const status = await server.ask('status', {}, LiveStatus);
      const about = status.server;
      found.push(
        good(
          'server',
          `Process ${about.pid} answers, version ${about.version}, since ${instantText(about.startedAt)}.`,
        ),
      );
      found.push(...troublesOf(config, status));
    }
  } catch (cause) {
    return [...found, error('server', wordsOf(cause), 'Run this as the user whose the mirror is.')];
  }
  return found.length === 0 ? [note('server', `No server runs on ${data}.`)] : found;
}

/** What the server itself says is not well, in the words of the pages, with what only whoever runs it may read. */
function troublesOf(config: Config, { server, report }: LiveStatus): readonly Finding[] {
  const { troubles } = verdictOn(report, { freshFor: freshnessOf(config), startedAt: server.startedAt });
  return troubles.flatMap((trouble) => {
    const { what, index, level, next } = trouble;
    const told = level === 'bad' ? error : warning;
    const known = report.conditions.filter((each) => each.what === what && each.index === index);
    if (known.length > 0) return known.map(({ message }) => told(what, sentenceOf({ index, says: message }), next));
    const failed = failureBehind(trouble, report);
    return failed === undefined
      ? [told(what, sentenceOf(trouble), next)]
      : [told('refresh', `${sentenceOf(trouble)} ${failed.message} [${failed.reason}]`, next)];
  });
}

/** Why upstream's word is not had, where the trouble is that it is not. */
function failureBehind({ what, index }: Trouble, { indexes }: LiveStatus['report']) {
  const failed = indexes.find(({ name }) => name === index)?.lastError;
  return failed !== undefined && ['away', 'unkept', 'stale', failed.reason].includes(what) ? failed : undefined;
}
