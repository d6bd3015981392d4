import { dateText } from '../../bytes/instant.ts';
import type { JudgedFile, Release } from '../../provenance/releases.ts';
import type { ProvenanceReport } from './gather.ts';
import type { RootStanding } from './root-source.ts';
import { releaseSays } from './words.ts';

/** In plain words, the newest release first. */
export function provenanceLines({ project, releases }: ProvenanceReport, root: RootStanding): readonly string[] {
  const lines = [`Who published the files of ${project} (provenance, PEP 740), as far as it is held here:`];
  for (const release of [...releases].reverse()) lines.push('', headline(release), ...fileLines(release));
  lines.push('', judgedBy(root));
  const all = releases.flatMap(({ files }) => files);
  if (all.some(({ provenance: { result } }) => result === 'unknown'))
    lines.push('', `Not held yet is had by: verbatim sync --project ${project}`);
  if (all.some(({ provenance: { result } }) => result === 'unchecked'))
    lines.push(
      '',
      "What could not be checked is not said to be bad. A newer copy of Sigstore's root may know more: --trusted-root.",
    );
  return lines;
}

const FROM: Readonly<Record<RootStanding['from'], (place: string) => string>> = {
  index: (place) => `proved from the copy that the index ${place} holds of its repository`,
  file: (place) => `in ${place}`,
  packaged: () => 'that came with this program',
};

/** Whose word the verdicts rest on. */
function judgedBy({ from, place, of, trouble }: RootStanding): string {
  const dated = from === 'index' ? '' : `, of ${dateText(of)}`;
  const instead = trouble === undefined ? '' : ` None newer could be had: ${trouble}`;
  return `Judged by the trusted root of Sigstore ${FROM[from](place)}${dated}.${instead}`;
}

function headline(release: Release): string {
  return `${release.version}  ${releaseSays(release)}`;
}

function fileLines({ files }: Release): readonly string[] {
  return files.map(({ filename, provenance }) => `  ${filename}: ${judgementText(provenance)}`);
}

function judgementText(provenance: JudgedFile['provenance']): string {
  switch (provenance.result) {
    case 'verified':
      return `published by ${provenance.publishers.map(({ kind, name, workflow }) => [kind, name, workflow].filter((part) => part !== undefined).join(' ')).join(' and ')}, verified${provenance.unchecked.length === 0 ? '' : ' in part'}`;
    case 'refused':
      return `REFUSED, its provenance is wrong: ${provenance.why}`;
    case 'unchecked':
      return `cannot be checked here: ${provenance.why}`;
    case 'unknown':
      return 'has provenance that is not held here';
    case 'none':
      return 'none';
  }
}
