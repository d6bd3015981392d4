import { onServers } from '../../app/control/on-servers.ts';
import { Quarantined, type QuarantineRequest } from '../../app/control/requests.ts';
import { indexOf } from '../../app/data-directory.ts';
import { withOperatorPlace } from '../../app/operator/place.ts';
import { quarantineIn } from '../../app/operator/quarantine.ts';
import { shownField } from '../../bytes/printable.ts';
import type { Config } from '../../config/config.ts';
import { print, printJson } from '../output.ts';
import { sayUntold } from '../untold.ts';

interface QuarantineOptions extends Omit<QuarantineRequest, 'name' | 'version'> {
  /** `NAME` or `NAME==VERSION`. */
  readonly what: string;
  readonly json: boolean;
}

/** `verbatim quarantine INDEX NAME[==VERSION]`: keeps it from being served, or lifts that, in the servers where some run. */
export async function quarantine(config: Config, { json, what, ...said }: QuarantineOptions): Promise<void> {
  const { index, dryRun, lift } = said;
  indexOf(config, index);
  const [name = '', version] = what.split('==').map((part) => part.trim());
  const request: QuarantineRequest = { ...said, name, ...(version !== undefined && { version }) };
  const live = await onServers(config, 'quarantine', request, Quarantined, ({ project }) =>
    dryRun ? undefined : { index, projects: [project] },
  );
  const done = live?.answer ?? (await withOperatorPlace(config, (place) => quarantineIn(place, request)));
  if (json) printJson({ index, dryRun, lift, ...done });
  else tell(done, what, request);
  sayUntold(live?.untold);
}

function tell({ entries, files, was }: Quarantined, what: string, { dryRun, lift }: QuarantineRequest): void {
  const done = lift ? 'taken out of quarantine' : 'put in quarantine';
  print(
    `${shownField(what)} ${dryRun ? 'would be' : 'is'} ${done}${was == null ? '' : `; it was there: ${shownField(was)}`}.`,
  );
  print(`${files.length} of its files were seen here${files.length === 0 ? '.' : ':'}`);
  for (const file of files) print(`  ${shownField(file)}`);
  if (lift && entries.length > 0) {
    print('Still in quarantine:');
    for (const { version, reason } of entries)
      print(`  ${version == null ? 'the whole project' : shownField(version)}: ${shownField(reason)}`);
  }
  if (!dryRun) print('It is in the audit trail. Servers that run here follow at once.');
}
