import type { Instant } from '../../bytes/instant.ts';
import type { Config } from '../../config/config.ts';
import { judgementOf, nameOf, type ProvenanceMode } from '../../policy/provenance.ts';
import type { IndexState } from '../../ports/index-state.ts';
import type { KeptProvenance } from '../../ports/provenance/kept.ts';
import { type JudgedFile, type Release, releasesOf } from '../../provenance/releases.ts';
import type { Listing, OwnFile } from '../../pypi/listing.ts';
import { isDistribution, versionOf } from '../../pypi/names.ts';

/** Somebody whom files of a project are expected from. */
export interface ExpectedFrom {
  /** For people. */
  readonly name: string;
  /** What is held to, whatever it is called. */
  readonly id: string;
  /** Undefined where the configuration says so. */
  readonly since: Instant | undefined;
  readonly by: 'first-sight' | 'operator' | 'configuration';
}

/** What was found out of one file, without looking anew. */
export interface KnownFile {
  readonly filename: string;
  readonly result: 'verified' | 'refused' | 'unchecked' | 'unavailable' | 'unknown' | 'none';
  /** Of who published it; empty where that is not proved. */
  readonly publishers: readonly string[];
  /** Why that is not proved. */
  readonly why: string | undefined;
  readonly at: Instant | undefined;
}

/** What this mirror remembers of who published a project's files. */
export interface KnownProvenance {
  readonly index: string;
  readonly project: string;
  /** `off`: it is passed on, and nobody looks at it. */
  readonly mode: ProvenanceMode;
  readonly expected: readonly ExpectedFrom[];
  readonly accepted: KeptProvenance['accepted'];
  /** Newest first. */
  readonly releases: readonly Release[];
  /** By name. */
  readonly files: ReadonlyMap<string, KnownFile>;
}

interface Asked {
  readonly config: Pick<Config, 'indexes'>;
  readonly state: Pick<IndexState, 'provenance'>;
  readonly index: string;
  readonly listing: Pick<Listing, 'name' | 'files'>;
}

/** Reads what is remembered: nothing is judged, and nobody is asked. Undefined of an index that has no place for provenance. Throws Refusal `state`. */
export async function knownProvenance({ config, state, index, listing }: Asked): Promise<KnownProvenance | undefined> {
  const settings = config.indexes[index];
  if (settings?.evidence !== 'index') return undefined;
  const { name: project } = listing;
  const rules = settings.provenance;
  const mode = rules === undefined ? 'off' : (rules.projects[project] ?? rules.mode);
  const kept = mode === 'off' ? undefined : (await state.provenance(project).read())?.value;
  const files = new Map<string, KnownFile>();
  const judged: JudgedFile[] = [];
  for (const file of listing.files.values()) {
    const { filename } = file.entry;
    if (!isDistribution(filename)) continue;
    const known = knownOf(file, kept);
    files.set(filename, known);
    const version = versionOf(filename, project);
    if (version !== undefined) judged.push({ filename, version, provenance: provedOf(file, kept) });
  }
  const configured = (rules?.publishers[project] ?? []).map(
    ({ id, workflow }): ExpectedFrom => ({
      name: [id, workflow].filter((part) => part !== undefined).join(' '),
      id,
      since: undefined,
      by: 'configuration',
    }),
  );
  const seen = (kept?.publishers ?? []).map(
    (each): ExpectedFrom => ({ name: nameOf(each), id: each.id, since: each.since, by: each.by }),
  );
  return {
    index,
    project,
    mode,
    expected: configured.length > 0 ? configured : seen,
    accepted: kept?.accepted ?? [],
    releases: mode === 'off' ? [] : releasesOf(judged).toReversed(),
    files,
  };
}

function knownOf(file: OwnFile, kept: KeptProvenance | undefined): KnownFile {
  const { filename, provenance } = file.entry;
  const found = judgementOf(file, kept);
  const judgement = found?.judgement;
  const nothing = { filename, publishers: [], why: undefined, at: found?.at };
  if (provenance === undefined) return { ...nothing, result: 'none' };
  if (judgement === undefined) return { ...nothing, result: 'unknown' };
  return judgement.result === 'verified'
    ? { ...nothing, result: 'verified', publishers: judgement.publishers.map(nameOf) }
    : { ...nothing, result: judgement.result, why: judgement.why };
}

function provedOf(file: OwnFile, kept: KeptProvenance | undefined): JudgedFile['provenance'] {
  if (file.entry.provenance === undefined) return { result: 'none' };
  const judgement = judgementOf(file, kept)?.judgement;
  return judgement === undefined || judgement.result === 'unavailable' ? { result: 'unknown' } : judgement;
}
