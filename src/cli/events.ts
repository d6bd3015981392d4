import { indexOf, withRecords } from '../app/data-directory.ts';
import { instantText } from '../bytes/instant.ts';
import { shownField } from '../bytes/printable.ts';
import type { Config } from '../config/config.ts';
import { createJournal, type JournalFilter } from '../disk/records/journal.ts';
import type { JournalEntry } from '../ports/records.ts';
import { print, printJson } from './output.ts';

/**
 * `verbatim events`: what upstream took away, changed or was accepted to change, oldest first. Throws Refusal `unlisted` for
 * an index of which there is neither a record nor a configuration. False where there is nothing to tell.
 */
export async function events(config: Config, filter: JournalFilter, json: boolean): Promise<boolean> {
  return withRecords(config, async (records) => {
    const journal = createJournal(records);
    const found: JournalEntry[] = [];
    let count = 0;
    for await (const entry of journal.read(filter)) {
      count++;
      if (json) found.push(entry);
      else print(eventText(entry));
    }
    // What is recorded of an index outlives its configuration.
    if (count === 0 && filter.index !== undefined) indexOf(config, filter.index);
    if (json) printJson(found);
    else if (count === 0) print('Nothing of the kind has been recorded.');
    return count > 0;
  });
}

function eventText({ at, index, kind, project, file, digest, before, after, reason }: JournalEntry): string {
  const change = before !== undefined && after !== undefined ? `${before} -> ${after}` : (after ?? before ?? digest);
  const said = [file ?? project, change && `(${change})`, reason && `- ${reason}`];
  const fields = said.flatMap((part) => (part === undefined || part === '' ? [] : shownField(part)));
  return [instantText(at), index, kind.padEnd(11), ...fields].join(' ');
}
