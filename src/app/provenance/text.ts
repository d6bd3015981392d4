import type { JudgedFile, Release } from '../../provenance/releases.ts';
import type { ProvenanceReport } from './gather.ts';
import { releaseSays } from './words.ts';

/** In plain words, the newest release first. */
export function provenanceLines({ project, releases }: ProvenanceReport): readonly string[] {
  const lines = [`Who published the files of ${project} (provenance, PEP 740), as far as it is held here:`];
  for (const release of [...releases].reverse()) lines.push('', headline(release), ...fileLines(release));
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
