import { execFileSync } from 'node:child_process';

/** What the tag of a version is called. */
export function tagOf(version: string): string {
  return `v${version}`;
}

interface Tagged {
  readonly version: string;
  /** Tags of the commit that is released. */
  readonly tags: readonly string[];
  /** Text of CHANGELOG.md. */
  readonly changelog: string;
}

/** Why this must not be released; undefined where it may. */
export function releaseFault({ version, tags, changelog }: Tagged): string | undefined {
  const own = tagOf(version);
  const others = tags.filter((tag) => /^v\d/.test(tag) && tag !== own);
  if (others.length > 0)
    return `This commit is tagged ${others.join(', ')}, and what is built says ${version}: tag it ${own}, or change the version.`;
  const isTagged = tags.includes(own);
  const sections = [...changelog.matchAll(/^## \[([^\]]+)\]/gm)].map(([, name]) => name);
  if (sections.includes(version) || (!isTagged && sections.includes('Unreleased'))) return undefined;
  return `CHANGELOG.md has no section "## [${version}]"${isTagged ? '' : ', and none that is unreleased'}: say there what is new.`;
}

/** Tags of the commit that is checked out; undefined where there is no repository to ask. */
export function tagsOfHead(root: string): readonly string[] | undefined {
  try {
    const text = execFileSync('git', ['-C', root, 'tag', '--points-at', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return text.split('\n').filter((tag) => tag !== '');
  } catch {
    return undefined;
  }
}
