import type { MountedIndex } from '../mount.ts';
import { type OwnWords, ownWords } from '../reply/own-words.ts';

/** What a person finds who opens the address of this mirror in a browser. */
export function homeText(mounted: readonly MountedIndex[]): OwnWords {
  const indexes = mounted.map(
    ({ policy, prefixes }) =>
      `  ${policy.name}: ${prefixes.at(-1)}/simple/ (evidence: ${policy.evidence === 'tuf' ? 'signed with TUF' : "the index's own digests"})`,
  );
  const lines = [
    'This is Verbatim, a mirror of Python package indexes that proves what it serves.',
    '',
    'Indexes:',
    ...indexes,
    '',
    'Point an installer at one of them: its address here, ending in simple/, is what pip calls --index-url',
    'and uv calls --default-index. Configure no second index beside it.',
    '',
    'What is checked, and what an error means, is told in docs/trust.md of the project.',
    '',
  ];
  return ownWords(lines.join('\n'));
}
