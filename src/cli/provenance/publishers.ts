import { writeFile } from 'node:fs/promises';
import { compose } from '../../app/compose.ts';
import { onServers } from '../../app/control/on-servers.ts';
import { ImportedPublishers, type PublishersRequest } from '../../app/control/requests.ts';
import { noEvents } from '../../app/no-events.ts';
import { projectOf, withOperatorPlace } from '../../app/operator/place.ts';
import { importPublishersIn, pinnedIn } from '../../app/operator/publishers.ts';
import { type PinnedProject, pinsText, readPins } from '../../app/provenance/pins-file.ts';
import { counted } from '../../bytes/counted.ts';
import { shownField } from '../../bytes/printable.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Config } from '../../config/config.ts';
import { print, printJson } from '../output.ts';
import { sayUntold } from '../untold.ts';

interface Where {
  readonly index: string | undefined;
  readonly json: boolean;
}

/** `verbatim provenance [PROJECT] --export FILE`: whom files are expected from, as a file that another mirror takes. */
export async function exportPublishers(
  config: Config,
  { index: named, json, file, project }: Where & { readonly file: string; readonly project: string | undefined },
): Promise<void> {
  const index = unsignedOf(config, named);
  const composition = await compose({ config, emit: noEvents, reading: true });
  try {
    const state = composition.states.get(index);
    const projects =
      state === undefined ? [] : await pinnedIn(state, project === undefined ? undefined : projectOf(project));
    await writeFile(file, pinsText(index, projects), { flag: 'wx' }).catch((cause: NodeJS.ErrnoException) => {
      throw new Refusal('state', `${file} cannot be written (${cause.code}): nothing is written over.`, { cause });
    });
    if (json) printJson({ index, file, projects: projects.length });
    else print(`Who publishes ${counted(projects.length, 'project')} of ${index} is in ${file}.`);
  } finally {
    await composition.close();
  }
}

interface ImportFlags extends Where {
  readonly file: string;
  readonly reason: string;
  readonly dryRun: boolean;
}

/** `verbatim provenance --import FILE`: false where somebody else is known here than the file says. */
export async function importPublishers(config: Config, flags: ImportFlags): Promise<boolean> {
  const { json, file, reason, dryRun } = flags;
  const index = unsignedOf(config, flags.index);
  const done: ImportedPublishers[number][] = [];
  const untold = new Set<string>();
  for (const projects of inRequests(readPins(file))) {
    const request: PublishersRequest = { index, projects, reason, dryRun };
    const live = await onServers(config, 'publishers', request, ImportedPublishers, (answer) =>
      dryRun ? undefined : { index, projects: answer.map(({ project }) => project) },
    );
    done.push(...(live?.answer ?? (await withOperatorPlace(config, (place) => importPublishersIn(place, request)))));
    for (const each of live?.untold ?? []) untold.add(each);
  }
  if (json) printJson({ index, dryRun, projects: done });
  else tell(done, dryRun);
  sayUntold([...untold]);
  return done.every(({ result }) => result !== 'conflict');
}

function tell(done: ImportedPublishers, dryRun: boolean): void {
  for (const { project, result, known, given } of done) {
    if (result === 'new')
      print(`${dryRun ? 'would expect' : 'expected from now on'} of ${project}: ${shownField(given)}`);
    if (result === 'conflict')
      print(
        `NOT TAKEN for ${project}: here it is ${shownField(known)}, and the file says ${shownField(given)}. "verbatim accept-change --publisher" decides.`,
      );
  }
  print(`${done.filter(({ result }) => result === 'same').length} are known here as they are in the file.`);
}

/** Bytes of a request, and projects in one: a server takes no longer lines. */
const REQUEST_BYTES = 96 * 1024;
const REQUEST_PROJECTS = 100;

function inRequests(projects: readonly PinnedProject[]): readonly (readonly PinnedProject[])[] {
  const parts: PinnedProject[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const project of projects) {
    const own = Buffer.byteLength(JSON.stringify(project));
    const last = parts.at(-1);
    if (last === undefined || last.length >= REQUEST_PROJECTS || bytes + own > REQUEST_BYTES) {
      parts.push([project]);
      bytes = own;
    } else {
      last.push(project);
      bytes += own;
    }
  }
  return parts;
}

/** Throws Refusal where none is meant. */
function unsignedOf({ indexes }: Config, named: string | undefined): string {
  const found = Object.values(indexes).find(
    ({ name, evidence }) => evidence === 'index' && (named === undefined || name === named),
  );
  if (found !== undefined) return found.name;
  throw new Refusal('unlisted', 'Publishers are remembered of indexes that sign nothing, and none is meant.', {
    subject: 'request',
  });
}
