import { withRecords } from '../app/data-directory.ts';
import { instantText } from '../bytes/instant.ts';
import { shownField } from '../bytes/printable.ts';
import type { Config } from '../config/config.ts';
import { createJournal, type JournalFilter } from '../disk/records/journal.ts';
import type { JournalEntry } from '../ports/records.ts';
import { print, printJson } from './output.ts';

/** `verbatim events`: what upstream took away, changed or was accepted to change, oldest first. */
export async function events(config: Config, filter: JournalFilter, json: boolean): Promise<void> {
  await withRecords(config, async (records) => {
    const journal = createJournal(records);
    const found: JournalEntry[] = [];
    for await (const entry of journal.read(filter)) {
      if (json) found.push(entry);
      else print(eventText(entry));
    }
    if (json) printJson(found);
  });
}

function eventText({ at, index, kind, project, file, digest, before, after, reason }: JournalEntry): string {
  const change = before !== undefined && after !== undefined ? `${before} -> ${after}` : (after ?? before ?? digest);
  const said = [file ?? project, change && `(${change})`, reason && `- ${reason}`];
  const fields = said.flatMap((part) => (part === undefined || part === '' ? [] : shownField(part)));
  return [instantText(at), index, kind.padEnd(11), ...fields].join(' ');
}
