import { advisoriesOn, advisorySays } from '../app/advisories/known.ts';
import { type Composition, compose } from '../app/compose.ts';
import { indexOf } from '../app/data-directory.ts';
import { explanationLines } from '../app/explanation-text.ts';
import { noEvents } from '../app/no-events.ts';
import { knownProvenance } from '../app/provenance/known.ts';
import { provenanceSays } from '../app/provenance/words.ts';
import { combinedOf } from '../app/running/combined.ts';
import { defaultIndexOf } from '../app/server-files.ts';
import { internalCaller } from '../async/caller.ts';
import { existing } from '../bytes/existing.ts';
import { type Reason, Refusal } from '../bytes/refusal.ts';
import type { Config } from '../config/config.ts';
import { type Explanation, keptName, type PackageIndex } from '../mirror/package-index.ts';
import { isFileName, normalizeName, projectCandidates, versionOf } from '../pypi/names.ts';
import { print, printJson } from './output.ts';

/** `verbatim explain PROJECT|FILE`: who vouches for it, and what an attacker would have to hold; of what is held, without asking upstream. */
export async function explain(
  config: Config,
  name: string,
  indexName: string | undefined,
  json: boolean,
): Promise<void> {
  const wanted = indexName ?? defaultIndexOf(config);
  const address = config.addresses?.[wanted]?.name;
  if (indexName !== undefined && address === undefined) indexOf(config, indexName);
  const composition = await compose({ config, emit: noEvents, reading: true });
  try {
    const asked = askedFor(config, composition, address, name);
    const found = composition.indexes.find((candidate) => candidate.name === wanted);
    const of = asked ?? [existing(found, 'no index was composed')];
    const { index, explanation } = await firstOf(of, name, address === undefined ? undefined : projectOf(name));
    const told = await toldOf(config, composition, index, explanation);
    if (json)
      return printJson({ ...(address !== undefined && { address }), index: index.name, ...explanation, ...told.json });
    if (address !== undefined) print(answers(address, index.name, of));
    print(...explanationLines(explanation, composition.clock.judged(), told.lines));
  } finally {
    await composition.close();
  }
}

/** Of an address over several indexes, those that may have it, in the order that they are asked in. */
function askedFor(config: Config, composition: Composition, address: string | undefined, name: string) {
  const combined = combinedOf(config, composition).find((each) => each.name === address);
  const project = projectOf(name);
  const names = project === undefined ? combined?.of : combined?.askedFor(project);
  return names?.flatMap((each) => composition.indexes.filter((index) => index.name === each));
}

function projectOf(name: string): string | undefined {
  return (isFileName(name) ? projectCandidates(name)[0] : undefined) ?? normalizeName(name);
}

/** The first of which it is held. Where none is, the last one's word is told. `project`: whose name none behind may have where one had it once. */
export async function firstOf<I extends Pick<PackageIndex, 'name' | 'explain' | 'isKept'>>(
  indexes: readonly I[],
  name: string,
  project?: string,
) {
  let unknown: unknown;
  for (const index of indexes)
    try {
      return { index, explanation: await index.explain(name, internalCaller(index.name, 'explain')) };
    } catch (error) {
      const isUnknown = error instanceof Refusal && (error.reason === 'unlisted' || error.reason === 'offline');
      unknown = notAsked(error, index.name, name, 'explain');
      if (!isUnknown) throw unknown;
      const isAbsent = error.reason === 'unlisted' && project !== undefined && index !== indexes.at(-1);
      if (isAbsent && (await index.isKept(project))) throw keptName(index.name, project);
    }
  throw unknown;
}

function answers(address: string, index: string, asked: readonly PackageIndex[]): string {
  const before = asked.slice(
    0,
    asked.findIndex((each) => each.name === index),
  );
  const first = before.map((each) => each.name).join(', ');
  return `At "${address}" it is "${index}" that answers${first === '' ? '' : `, once ${first} has proved that it has none`}.`;
}

/** What would have been asked of upstream: said as what it means for what is held. */
export function notAsked(error: unknown, index: string, name: string, command: string): unknown {
  const about = error instanceof Refusal ? WHY_NOT[error.reason]?.(index, name) : undefined;
  if (!(error instanceof Refusal) || about === undefined) return error;
  const reason = error.reason === 'offline' ? 'unlisted' : error.reason;
  const remedy = `Install it through the mirror, or have it looked at first: verbatim refresh ${index} ${name}`;
  return new Refusal(reason, `${about}, and "${command}" asks nobody else. ${remedy}`, { subject: 'request' });
}

const WHY_NOT: Partial<Record<Reason, (index: string, name: string) => string>> = {
  offline: (index, name) => `Nothing of ${name} is held of the index ${index}`,
  expired: (index) => `The signed metadata that is held of the index ${index} has expired`,
};

/** What is known beside the chain: advisories, and who published it. */
async function toldOf(
  config: Config,
  composition: Composition,
  index: PackageIndex,
  { project, kind, name }: Explanation,
) {
  const listing = (await index.known(project, internalCaller(index.name, 'explain')))?.page.listing;
  const state = composition.states.get(index.name);
  const known = state && listing && (await knownProvenance({ config, state, index: index.name, listing }));
  const filename = kind === 'file' ? name : undefined;
  const version = filename === undefined ? undefined : versionOf(filename, project);
  const about = { config, feed: composition.advisories, index: config.indexes[index.name], project };
  const all = advisoriesOn({ ...about, versions: version === undefined ? (listing?.versions ?? []) : [version] });
  const advisories = all?.filter(({ versions }) => version === undefined || versions.length > 0);
  return {
    json: { advisories, provenance: known },
    lines: [
      ...(advisories ?? []).map(
        (each) => `Known to be ${each.malware ? 'malware' : 'vulnerable'}: ${advisorySays(each)}.`,
      ),
      ...(known === undefined ? [] : provenanceSays(known, filename)),
    ],
  };
}
