import { MAX_FILE_NAME } from '../limits.ts';

// PEP 440. Numbers stay in digits, without leading zeros: however long they are, none loses a digit.

const VERSION =
  /^v?(?:([0-9]+)!)?([0-9]+(?:\.[0-9]+)*)(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?([0-9]*))?(?:-([0-9]+)|[-_.]?(?:post|rev|r)[-_.]?([0-9]*))?(?:[-_.]?(dev)[-_.]?([0-9]*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/;

const PRE: Readonly<Record<string, string>> = { alpha: 'a', beta: 'b', preview: 'rc', pre: 'rc', c: 'rc' };

/** A version, each number in digits without leading zeros. */
export interface Version {
  readonly epoch: string;
  /** Without zeros at its end; empty for `0`. */
  readonly release: readonly string[];
  /** How many numbers were written. */
  readonly written: number;
  readonly pre: { readonly phase: string; readonly number: string } | undefined;
  readonly post: string | undefined;
  readonly dev: string | undefined;
  /** Empty for none. */
  readonly local: readonly string[];
}

/** Undefined for what is no version. */
export function parseVersion(text: string): Version | undefined {
  const folded = text.trim().toLowerCase();
  const match = folded.length > MAX_FILE_NAME ? null : VERSION.exec(folded);
  if (match === null) return undefined;
  const [, epoch, release = '', pre, preNumber, dashPost, post, dev, devNumber, local] = match;
  const numbers = release.split('.').map(number);
  return {
    epoch: number(epoch),
    release: trimmed(numbers),
    written: numbers.length,
    pre: pre === undefined ? undefined : { phase: PRE[pre] ?? pre, number: number(preNumber) },
    post: dashPost === undefined && post === undefined ? undefined : number(dashPost ?? post),
    dev: dev === undefined ? undefined : number(devNumber),
    local: local === undefined ? [] : local.split(/[-_.]/).map((part) => (/^[0-9]+$/.test(part) ? number(part) : part)),
  };
}

/** The same text for every spelling of a version, zeros at the end of its release among them. */
export function keyOf({ epoch, release, pre, post, dev, local }: Version): string {
  const parts = [epoch, '!', release.length === 0 ? '0' : release.join('.')];
  if (pre !== undefined) parts.push(pre.phase, pre.number);
  if (post !== undefined) parts.push('.post', post);
  if (dev !== undefined) parts.push('.dev', dev);
  if (local.length > 0) parts.push('+', local.join('.'));
  return parts.join('');
}

export function isPreRelease({ pre, dev }: Version): boolean {
  return pre !== undefined || dev !== undefined;
}

/** PEP 440's order. */
export function compareVersions(one: Version, other: Version): number {
  return comparePublic(one, other) || compareLocal(one.local, other.local);
}

/** The same without local versions. */
export function comparePublic(one: Version, other: Version): number {
  return (
    compareNumbers(one.epoch, other.epoch) ||
    compareReleases(one.release, other.release) ||
    phaseOf(one) - phaseOf(other) ||
    compareNumbers(one.pre?.number ?? '', other.pre?.number ?? '') ||
    // None stands before any post-release, and behind any development release.
    compareNumbers(one.post ?? '', other.post ?? '') ||
    compareDevelopment(one.dev, other.dev)
  );
}

/** A development release of the final one stands before its first alpha; a final or post-release behind all candidates. */
function phaseOf({ pre, post, dev }: Version): number {
  if (pre !== undefined) return pre.phase === 'a' ? 1 : pre.phase === 'b' ? 2 : 3;
  return post === undefined && dev !== undefined ? 0 : 4;
}

function compareReleases(one: readonly string[], other: readonly string[]): number {
  const longest = Math.max(one.length, other.length);
  for (let at = 0; at < longest; at++) {
    const order = compareNumbers(one[at] ?? '0', other[at] ?? '0');
    if (order !== 0) return order;
  }
  return 0;
}

function compareDevelopment(one: string | undefined, other: string | undefined): number {
  if (one === undefined || other === undefined) return Number(one === undefined) - Number(other === undefined);
  return compareNumbers(one, other);
}

function compareLocal(one: readonly string[], other: readonly string[]): number {
  const longest = Math.max(one.length, other.length);
  for (let at = 0; at < longest; at++) {
    const order = compareLabels(one[at], other[at]);
    if (order !== 0) return order;
  }
  return 0;
}

/** Nothing before words, words before numbers. */
function compareLabels(one: string | undefined, other: string | undefined): number {
  const kind = (label: string | undefined) =>
    label === undefined ? 0 : /^[0-9]/.test(label) && !/[a-z]/.test(label) ? 2 : 1;
  const kinds = kind(one) - kind(other);
  if (kinds !== 0 || one === undefined || other === undefined) return kinds;
  if (kind(one) === 2) return compareNumbers(one, other);
  return one === other ? 0 : one > other ? 1 : -1;
}

function compareNumbers(one: string, other: string): number {
  if (one.length !== other.length) return one.length - other.length;
  return one === other ? 0 : one > other ? 1 : -1;
}

function number(digits: string | undefined): string {
  return (digits ?? '').replace(/^0+(?=[0-9])/, '') || '0';
}

function trimmed(numbers: readonly string[]): readonly string[] {
  return numbers.slice(0, numbers.findLastIndex((each) => each !== '0') + 1);
}
