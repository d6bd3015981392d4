import type { Exported } from '../../bundle/export/export.ts';
import type { NotCarried } from '../../bundle/export/held.ts';
import { shownField } from '../../bytes/printable.ts';
import { print, printJson, say } from '../output.ts';

const MOST_SHOWN = 20;

export function printExported(exported: Exported, notCarried: NotCarried, json: boolean): void {
  const { header, manifestSha256, signed, pieces, bytes, path } = exported;
  const { number, index, base, stateAt, totals } = header;
  if (json) {
    const left = {
      files: notCarried.files,
      roles: notCarried.roles,
      advisories: notCarried.advisories,
      projects: notCarried.projectCount,
      named: notCarried.projects,
    };
    printJson({
      index: index.name,
      number,
      base,
      stateAt,
      path,
      pieces,
      bytes,
      manifestSha256,
      signed,
      totals,
      notCarried: left,
    });
    return;
  }
  const what = `bundle ${number} of ${index.name}, as it was at ${stateAt}`;
  print(path === undefined ? `Would make ${what}.` : `Made ${what}: ${path}`);
  print(base === undefined ? 'It is complete.' : `It builds on bundle ${base.number}.`);
  print(
    `${totals.members} contents, ${(bytes / 1e6).toFixed(1)} MB in ${pieces} ${pieces === 1 ? 'file' : 'files'}; ${totals.changes} changes.`,
  );
  if (manifestSha256 !== undefined) print(`Its manifest has the SHA-256 ${manifestSha256}.`);
  if (!signed)
    print('It is not signed: a site whose index signs nothing does not take it. Sign with --key (verbatim keygen).');
  tellNotCarried(notCarried);
}

function tellNotCarried({ files, roles, projects, projectCount, advisories }: NotCarried): void {
  if (advisories)
    say(
      'No advisories are carried: none are kept here yet. A server or a sync keeps what "advisories" names; advisories.export: false leaves them out.',
    );
  if (files > 0) say(`Listed, not held and not carried: ${files} files. verbatim sync fetches what is to be carried.`);
  if (roles > 0)
    say(
      `Not looked at, because they are not held: ${roles} delegated roles and what they list (verbatim sync --listed).`,
    );
  for (const { project, why } of projects.slice(0, MOST_SHOWN))
    say(`Not carried: ${shownField(project)}: ${shownField(why)}`);
  if (projectCount > MOST_SHOWN) say(`And ${projectCount - MOST_SHOWN} more projects.`);
}
