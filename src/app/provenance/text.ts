import type { JudgedFile, Release, Word } from '../../provenance/releases.ts';
import type { ProvenanceReport } from './gather.ts';

const MEANING: Readonly<Record<Word, string>> = {
  'full-provenance': 'every file says who published it',
  'partial-provenance': 'some of its files say who published them',
  'inconsistent-provenance': 'its files were published by different publishers',
  'no-provenance': 'no file says who published it',
  'lost-provenance': 'no file says who published it, and the release before did',
  'changed-provenance': 'somebody else published the release before',
};

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

function headline({ version, words }: Release): string {
  const said = words.map((word) => `${word}: ${MEANING[word]}`).join('; ');
  return `${version}  ${said === '' ? 'nobody can say from what is held' : said}`;
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
