import { clean } from '../../bytes/printable.ts';
import type { AccessRecord } from '../../disk/records/access-record.ts';
import type { SentView } from '../../web/sent.ts';

/** Lines of one page: a client and a file have one a day. */
const MOST_SHOWN = 100;

/** Who was sent files of a project, as this mirror's record has it, the last first. Throws Refusal. */
export async function sentView(
  record: Pick<AccessRecord, 'fetches'>,
  { index, project }: { readonly index: string; readonly project: string },
): Promise<SentView> {
  const all = await record.fetches((each) => each.index === index && each.project === project);
  const shown = all.toSorted((one, other) => other.last - one.last).slice(0, MOST_SHOWN);
  return {
    count: all.length,
    lines: shown.map(({ file, client, reader, at, last, count }) => ({
      file,
      client: clean(client),
      reader: reader === undefined ? undefined : clean(reader),
      at,
      last,
      count,
    })),
  };
}
