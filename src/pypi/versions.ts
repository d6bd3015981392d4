import { MAX_FILE_NAME } from './limits.ts';
import { isDistribution, versionOf } from './names.ts';
import type { Entry } from './project-page.ts';

// PEP 440, only as far as two spellings of one version must meet; what is not one is compared as written.
const VERSION =
  /^v?(?:([0-9]+)!)?([0-9]+(?:\.[0-9]+)*)(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?([0-9]*))?(?:-([0-9]+)|[-_.]?(?:post|rev|r)[-_.]?([0-9]*))?(?:[-_.]?(dev)[-_.]?([0-9]*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/;

const PRE: Readonly<Record<string, string>> = { alpha: 'a', beta: 'b', preview: 'rc', pre: 'rc', c: 'rc' };

/** The same key for every spelling of a version (`1.0`, `v1`, `1.0.0`; `1.0-rc.1`, `1.0rc1`). */
export function versionKey(version: string): string {
  const text = version.trim().toLowerCase();
  const match = text.length > MAX_FILE_NAME ? null : VERSION.exec(text);
  if (match === null) return text;
  const [, epoch, release = '', pre, preNumber, dashPost, post, dev, devNumber, local] = match;
  const parts = [
    number(epoch),
    '!',
    release
      .split('.')
      .map(number)
      .join('.')
      .replace(/(?:\.0)+$/, ''),
  ];
  if (pre !== undefined) parts.push(PRE[pre] ?? pre, number(preNumber));
  if (dashPost !== undefined || post !== undefined) parts.push('.post', number(dashPost ?? post));
  if (dev !== undefined) parts.push('.dev', number(devNumber));
  if (local !== undefined) parts.push('+', local.replace(/[-_]/g, '.'));
  return parts.join('');
}

/** A release as it stands among others; each number in digits without leading zeros, however many. */
export interface Release {
  readonly epoch: string;
  readonly numbers: readonly string[];
  /** Undefined before any post-release. */
  readonly post: string | undefined;
  /** Empty for none, which comes first. */
  readonly local: string;
}

/** Undefined for a pre- or development release, and for what is no version (PEP 440). */
export function releaseOf(version: string): Release | undefined {
  const match = version.length > MAX_FILE_NAME ? null : VERSION.exec(version.toLowerCase().replace(/_/g, '-'));
  if (match === null) return undefined;
  const [, epoch, release = '', pre, , dashPost, post, dev, , local = ''] = match;
  if (pre !== undefined || dev !== undefined) return undefined;
  const isPost = dashPost !== undefined || post !== undefined;
  return {
    epoch: number(epoch),
    numbers: release.split('.').map(number),
    post: isPost ? number(dashPost ?? post) : undefined,
    local,
  };
}

/** PEP 440's order, but that local versions are compared as written. */
export function isNewer(one: Release, other: Release): boolean {
  return order(one, other) > 0;
}

function order(one: Release, other: Release): number {
  const epochs = byNumber(one.epoch, other.epoch);
  if (epochs !== 0) return epochs;
  const longest = Math.max(one.numbers.length, other.numbers.length);
  for (let at = 0; at < longest; at++) {
    const numbers = byNumber(one.numbers[at] ?? '0', other.numbers[at] ?? '0');
    if (numbers !== 0) return numbers;
  }
  const posts = byNumber(one.post ?? '', other.post ?? '');
  if (posts !== 0) return posts;
  return one.local === other.local ? 0 : one.local > other.local ? 1 : -1;
}

function byNumber(one: string, other: string): number {
  if (one.length !== other.length) return one.length - other.length;
  return one === other ? 0 : one > other ? 1 : -1;
}

function number(digits: string | undefined): string {
  return (digits ?? '').replace(/^0+(?=[0-9])/, '') || '0';
}

/** PEP 700: the versions that still have files, in the order and spelling the index lists them. */
export function listedVersions(listed: readonly string[], files: readonly Entry[], project: string): readonly string[] {
  const distributions = files.filter(({ filename }) => isDistribution(filename));
  const held = new Set(distributions.map((file) => versionKey(versionOf(file.filename, project) ?? '')));
  return listed.filter((version) => held.has(versionKey(version)));
}

/** Versions read off the file names, for an index that does not list them; in order of first appearance. */
export function derivedVersions(files: readonly Entry[], project: string): readonly string[] {
  const found = new Map<string, string>();
  for (const file of files) {
    if (!isDistribution(file.filename)) continue;
    const version = versionOf(file.filename, project)?.replace(/_/g, '-');
    if (version === undefined || !VERSION.test(version.toLowerCase())) continue;
    const key = versionKey(version);
    if (!found.has(key)) found.set(key, version);
  }
  return [...found.values()];
}
