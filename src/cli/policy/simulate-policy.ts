import { withRecords } from '../../app/data-directory.ts';
import { withHeldPages } from '../../app/policy/held-pages.ts';
import { instantText } from '../../bytes/instant.ts';
import { shownField } from '../../bytes/printable.ts';
import type { Config } from '../../config/config.ts';
import { loadPolicy } from '../../config/policy/read-policy.ts';
import { createAccessRecord, type Fetches } from '../../disk/records/access-record.ts';
import { judgeBy, type Refused, refusedOf } from '../../policy/compare.ts';
import { print, printJson } from '../output.ts';
import type { Since } from './policy-command.ts';
import { onlyIndex, type PolicyOptions } from './test-policy.ts';

interface SimulateOptions extends PolicyOptions {
  readonly since: Since | undefined;
}

/** `verbatim policy simulate FILE`: what the policy would have refused of what clients were sent, as far back as the access record goes. */
export async function simulatePolicy(config: Config, file: string, options: SimulateOptions): Promise<void> {
  const { index, json, since } = options;
  const name = index ?? onlyIndex(config);
  const judge = judgeBy(loadPolicy(file));
  const refused: Refused<Fetches>[] = [];
  let sent = 0;
  let unknown = 0;
  await withHeldPages(config, name, async (held) => {
    const from = since === undefined ? 0 : 'at' in since ? since.at : held.now - since.ago;
    for (const [project, fetches] of await fetchesOf(config, name, from)) {
      sent += fetches.length;
      const page = await held.of(project);
      if (page === undefined) unknown += fetches.length;
      else refused.push(...refusedOf(page, fetches, judge));
    }
  });
  refused.sort((one, other) => one.sent.at - other.sent.at);
  if (json) return printJson({ index: name, sent, unknown, refused: refused.map(toJson) });
  for (const { sent: each, rule, why } of refused)
    print(`${instantText(each.at)} ${shownField(each.client)}  ${shownField(each.file)}  [${rule}] ${why}`);
  print(
    `${refused.length} of ${sent} would have been refused, as they are written down: a line a client, file and day.`,
  );
  if (unknown > 0) print(`${unknown} are of projects whose pages are not held any more: nothing is said of them.`);
}

function toJson({ sent: { party: _, ...sent }, rule, why }: Refused<Fetches>) {
  return { ...sent, rule, why };
}

/** By project. */
async function fetchesOf(config: Config, index: string, since: number): Promise<ReadonlyMap<string, Fetches[]>> {
  const found = new Map<string, Fetches[]>();
  await withRecords(config, async (records) => {
    const access = createAccessRecord(records, { days: config.cache.accessDays });
    for (const each of await access.fetches((fetched) => fetched.index === index && fetched.at >= since)) {
      const project = each.project ?? '';
      const before = found.get(project);
      if (before === undefined) found.set(project, [each]);
      else before.push(each);
    }
    await access.close();
  });
  return found;
}
