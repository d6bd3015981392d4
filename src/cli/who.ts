import { withRecords } from '../app/data-directory.ts';
import { isDigest } from '../bytes/digest.ts';
import { instantText } from '../bytes/instant.ts';
import { shownField } from '../bytes/printable.ts';
import type { Config } from '../config/config.ts';
import { createAccessRecord, type Fetched } from '../disk/records/access-record.ts';
import { print, printJson } from './output.ts';

/** `verbatim who FILE|DIGEST`: the clients that were sent a file, as far back as the access record goes. False where there are none. */
export async function who(config: Config, fileOrDigest: string, json: boolean): Promise<boolean> {
  const wanted = fileOrDigest.replace(/^sha256:/i, '').toLowerCase();
  const name = isDigest('sha256', wanted) ? wanted : fileOrDigest;
  return withRecords(config, async (records) => {
    const found: Fetched[] = [];
    for await (const each of createAccessRecord(records).whoFetched(name)) found.push(each);
    if (json) printJson(found);
    else tell(found);
    return found.length > 0;
  });
}

function tell(found: readonly Fetched[]): void {
  for (const { at, client, reader, index, file, sha256 } of found) {
    const name = reader === undefined ? '' : ` (${shownField(reader)})`;
    print(`${instantText(at)} ${shownField(client)}${name} ${index} ${shownField(file)} sha256:${sha256}`);
  }
  if (found.length === 0) print('Nobody, as far back as the access record goes.');
}
