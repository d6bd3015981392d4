import { counted } from '../../bytes/counted.ts';
import { dateText, type Instant, instantText, parseInstant } from '../../bytes/instant.ts';
import { shownField } from '../../bytes/printable.ts';
import type { Change, Entry, Header } from '../format/model.ts';
import type { HeldItem, NotCarried } from './held.ts';
import type { HeldFeed } from './held-advisories.ts';

/** What fits on a page or few; the SBOM has all. */
const MOST_RELEASES = 200;
const MOST_CHANGES = 100;
const MOST_LICENCES = 40;
const MOST_TARGETS = 200;
const DAY = 86_400;
const NOT_STATED = 'not stated';

interface ReleaseLine {
  readonly project: string;
  readonly version: string;
  files: number;
  bytes: number;
  readonly licence: string;
  readonly uploaded: Instant | undefined;
}

/** What whoever signs for a bundle reads: what is in it, in plain words. Says nothing of the moment it was made. */
export class Report {
  readonly #releases = new Map<string, ReleaseLine>();
  readonly #licences = new Map<string, number>();
  readonly #changes: Change[] = [];
  #last: string | undefined;
  #releaseCount = 0;
  #changeCount = 0;
  #files = 0;
  #bytes = 0;
  readonly #targets: string[] = [];
  #targetCount = 0;
  #targetBytes = 0;
  #feed: HeldFeed | undefined;

  /** A file that is carried. Files come by project. */
  file({ entry, release }: HeldItem, licence = NOT_STATED): void {
    const { project = '', size } = entry;
    const version = release?.version ?? '?';
    const key = `${project} ${version}`;
    this.#files++;
    this.#bytes += size;
    const counted = this.#licences.has(licence) || this.#licences.size < MOST_LICENCES ? licence : 'others';
    this.#licences.set(counted, (this.#licences.get(counted) ?? 0) + 1);
    const known = this.#releases.get(key);
    if (known !== undefined) {
      known.files++;
      known.bytes += size;
      return;
    }
    if (key !== this.#last) this.#releaseCount++;
    this.#last = key;
    if (this.#releases.size === MOST_RELEASES) return;
    const uploaded = parseInstant(`${release?.uploadTime?.slice(0, 19)}Z`);
    this.#releases.set(key, { project, version, files: 1, bytes: size, licence, uploaded });
  }

  /** A target that is carried. */
  target({ name = '', size }: Pick<Entry, 'name' | 'size'>): void {
    this.#targetCount++;
    this.#targetBytes += size;
    if (this.#targets.length < MOST_TARGETS) this.#targets.push(`- ${name}: ${megabytes(size)}`);
  }

  advisories(feed: HeldFeed): void {
    this.#feed = feed;
  }

  change(change: Change): void {
    this.#changeCount++;
    if (this.#changes.length < MOST_CHANGES) this.#changes.push(change);
  }

  /** `stateAt`: the ages are as of then. */
  text(header: Omit<Header, 'totals'>, stateAt: Instant, notCarried: NotCarried): string {
    const { index, number, base, selection, policy, keys } = header;
    const lines = [
      `Bundle ${number} of the package index "${index.name}"`,
      '',
      `Taken from ${index.upstream}, as it was at ${instantText(stateAt)}.`,
      index.evidence === 'tuf'
        ? 'The index is signed (TUF): the receiving site proves each file by the root key it has pinned.'
        : 'The index signs nothing: the receiving site proves each file by its own pins and the signature of this bundle.',
      base === undefined
        ? 'It is complete: the receiving site needs nothing else.'
        : `It builds on bundle ${base.number}: the receiving site must have that one, or a later one.`,
      selection === undefined ? 'Everything that was held was selected.' : `Selected: ${selection.join(' ')}`,
      ...(policy.maxAgeDays === undefined ? [] : [`It is to be served for ${policy.maxAgeDays} days at most.`]),
      ...keys.map((key) => `It announces the signing key "${key.name}" (${key.public}).`),
      '',
      `It carries ${this.#files} files of ${this.#releaseCount} releases, ${megabytes(this.#bytes)}.`,
      ...(this.#targetCount === 0
        ? []
        : [`It carries ${this.#targetCount} other targets of the signed index, ${megabytes(this.#targetBytes)}.`]),
      ...this.#feedLines(),
      ...(notCarried.roles === 0
        ? []
        : [`Not looked at, because they are not held: ${notCarried.roles} delegated roles and what they list.`]),
      ...(notCarried.files === 0
        ? []
        : [`Listed and not carried, because they are not held: ${notCarried.files} files.`]),
      ...notCarried.projects.map(({ project, why }) => `Not carried: ${project} (${why})`),
      ...more(notCarried.projectCount, notCarried.projects.length, 'projects'),
      '',
      ...this.#licenceLines(),
      ...this.#releaseLines(stateAt),
      ...this.#targetLines(),
      ...this.#changeLines(),
    ];
    return lines.map((line) => `${shownField(line).trimEnd()}\n`).join('');
  }

  #feedLines(): readonly string[] {
    if (this.#feed === undefined) return [];
    const { records, malware, newest, from, archive } = this.#feed;
    const as = newest === undefined ? '' : `, as they were at ${instantText(newest)}`;
    return [
      `It carries ${records} advisories about Python packages (${malware} about malware)${as}, from ${from}: ${megabytes(archive.size)}.`,
    ];
  }

  #licenceLines(): readonly string[] {
    if (this.#licences.size === 0) return [];
    const sorted = [...this.#licences].sort(([a, many], [b, more]) => more - many || (a < b ? -1 : 1));
    return [
      'Licences, as the packages state them:',
      ...sorted.map(([name, count]) => `- ${counted(count, 'file')}: ${name}`),
      '',
    ];
  }

  #releaseLines(stateAt: Instant): readonly string[] {
    if (this.#releases.size === 0) return [];
    const lines = [...this.#releases.values()].map(
      ({ project, version, files, bytes, licence, uploaded }) =>
        `- ${project} ${version}: ${counted(files, 'file')}, ${megabytes(bytes)}, ${licence}, ${ageOf(uploaded, stateAt)}`,
    );
    return [
      'Releases:',
      ...lines,
      ...more(this.#releaseCount, lines.length, 'releases: sbom.cdx.json has them all'),
      '',
    ];
  }

  #targetLines(): readonly string[] {
    if (this.#targetCount === 0) return [];
    return ['Targets:', ...this.#targets, ...more(this.#targetCount, this.#targets.length, 'targets'), ''];
  }

  #changeLines(): readonly string[] {
    if (this.#changeCount === 0) return [];
    const lines = this.#changes.map(
      ({ change, project, name, reason }) =>
        `- ${change}: ${[project, name].filter((part) => part !== undefined).join(' ')}${reason === undefined ? '' : ` (${reason})`}`,
    );
    return ['Since the bundle it builds on:', ...lines, ...more(this.#changeCount, lines.length, 'changes')];
  }
}

function more(count: number, shown: number, what: string): readonly string[] {
  return count > shown ? [`- and ${count - shown} more ${what}`] : [];
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function ageOf(uploaded: Instant | undefined, stateAt: Instant): string {
  if (uploaded === undefined) return 'age not stated';
  const days = Math.max(0, Math.floor((stateAt - uploaded) / DAY));
  return `uploaded ${dateText(uploaded)} (${counted(days, 'day')} before)`;
}
