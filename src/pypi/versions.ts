import { isDistribution, pep440VersionOf, versionOf } from './names.ts';
import type { Entry } from './project-page.ts';
import { keyOf, parseVersion } from './requirement/version.ts';

/** The same key for every spelling of a version (`1.0`, `v1`, `1.0.0`; `1.0-rc.1`, `1.0rc1`); what is none is its own. */
export function versionKey(version: string): string {
  const parsed = parseVersion(version);
  return parsed === undefined ? version.trim().toLowerCase() : keyOf(parsed);
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
    const version = pep440VersionOf(file.filename, project);
    if (version === undefined || parseVersion(version) === undefined) continue;
    const key = versionKey(version);
    if (!found.has(key)) found.set(key, version);
  }
  return [...found.values()];
}
