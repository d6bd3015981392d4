import { instantText } from '../../bytes/instant.ts';
import type { Config } from '../../config/config.ts';
import { CONDITIONS } from '../../ports/conditions.ts';
import { serversOn } from '../control/connect.ts';
import { LiveStatus } from '../control/status-answer.ts';
import { type Finding, findingsIn, wordsOf } from './finding.ts';

const { good, note, warning, error } = findingsIn('server');

const LEVELS: ReadonlyMap<string, string> = new Map(Object.entries(CONDITIONS));

/** The servers that run on the data directory, and what they know. */
export async function examineServers({ data }: Config): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  try {
    for (const server of await serversOn(data)) {
      const { server: about, report } = await server.ask('status', {}, LiveStatus);
      found.push(
        good(
          'server',
          `Process ${about.pid} answers, version ${about.version}, since ${instantText(about.startedAt)}.`,
        ),
      );
      for (const { what, index, message } of report.conditions)
        if (LEVELS.get(what) !== 'info')
          found.push(
            warning(what, index === '' ? message : `${index}: ${message}`, 'The setting is named in brackets.'),
          );
      for (const { name, lastError, lastRefresh } of report.indexes)
        if (lastError !== undefined && lastError.at > (lastRefresh ?? 0))
          found.push(
            warning(
              'refresh',
              `${name}: ${lastError.message} [${lastError.reason}]`,
              'docs/trust.md tells of each reason.',
            ),
          );
    }
  } catch (cause) {
    return [...found, error('server', wordsOf(cause), 'Run this as the user whose the mirror is.')];
  }
  return found.length === 0 ? [note('server', `No server runs on ${data}.`)] : found;
}
