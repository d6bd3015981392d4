import { type Composition, compose } from '../../app/compose.ts';
import { indexOf } from '../../app/data-directory.ts';
import { noEvents } from '../../app/no-events.ts';
import { gatherProvenance } from '../../app/provenance/gather.ts';
import { rootChoice } from '../../app/provenance/root-choice.ts';
import { type RootPlaces, type RootSource, rootSource } from '../../app/provenance/root-source.ts';
import { provenanceLines } from '../../app/provenance/text.ts';
import { internalCaller } from '../../async/caller.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Config } from '../../config/config.ts';
import { normalizeName, projectCandidates } from '../../pypi/names.ts';
import { notAsked } from '../explain.ts';
import { print, printJson } from '../output.ts';

export interface ProvenanceFlags {
  readonly index: string | undefined;
  readonly trustedRoot: string | undefined;
  readonly rootFrom: string | undefined;
  readonly gitlab: readonly string[];
  readonly json: boolean;
}

/** `verbatim provenance PROJECT|FILE`: false where something of it is wrong. */
export async function provenance(config: Config, name: string, flags: ProvenanceFlags): Promise<boolean> {
  for (const named of [flags.index, flags.rootFrom]) if (named !== undefined) indexOf(config, named);
  const composition = await compose({ config, emit: noEvents, reading: true });
  try {
    const { indexes } = composition;
    const index = indexes.find((each) => (flags.index === undefined ? each.unverified : each.name === flags.index));
    if (index?.unverified === undefined)
      throw new Refusal('unlisted', 'Provenance is held of indexes that sign nothing, and none is meant.', {
        subject: 'request',
      });
    const caller = internalCaller(index.name, 'explain');
    const settings = config.indexes[index.name];
    const rules = settings?.evidence === 'index' ? settings : undefined;
    const source = rootOf(composition, rules === undefined ? NOWHERE : rootChoice(config, rules), flags);
    const believed = await source.root();
    const root = source.standing();
    if (flags.rootFrom !== undefined && root.trouble !== undefined)
      throw new Refusal('state', `There is no trusted root from the index ${flags.rootFrom}: ${root.trouble}`);
    const gitlab = [...(rules?.provenance?.gitlab ?? []), ...flags.gitlab];
    const grounds = { root: believed, issuers: { gitlab } };
    const report = await gatherProvenance(index, asked(name), grounds, caller).catch((error: unknown) => {
      throw notAsked(error, index.name, name, 'provenance');
    });
    if (flags.json) printJson({ ...report, root });
    else print(...provenanceLines(report, root));
    return report.releases.every(({ files }) => files.every((file) => file.provenance.result !== 'refused'));
  } finally {
    await composition.close();
  }
}

const NOWHERE = { trustedRoot: undefined, rootFrom: undefined };

/** As a server has it that runs by this configuration, unless the command says otherwise. */
function rootOf(
  { indexes, clock }: Pick<Composition, 'indexes' | 'clock'>,
  configured: Pick<RootPlaces, 'trustedRoot' | 'rootFrom'>,
  { trustedRoot, rootFrom }: ProvenanceFlags,
): RootSource {
  const told = trustedRoot === undefined && rootFrom === undefined ? configured : { trustedRoot, rootFrom };
  return rootSource({ ...told, indexOf: (name) => indexes.find((index) => index.name === name), clock });
}

function asked(name: string): { readonly project: string; readonly filename?: string } {
  const [project] = /\.(?:whl|tar\.gz|zip)$/.test(name) ? projectCandidates(name) : [];
  if (project !== undefined) return { project, filename: name };
  const normalized = normalizeName(name);
  if (normalized === undefined)
    throw new Refusal('unlisted', `"${name}" is neither a project's name nor a file's.`, { subject: 'request' });
  return { project: normalized };
}
