import type { OwnFile } from '../pypi/listing.ts';
import type { Choice } from './plan.ts';

/** Where a lock says that a file can be had. */
export type UrlOf = (file: OwnFile) => string;

/** A choice as pylock.toml (PEP 751): every file with its hashes, for one environment, or for none that is named. */
export function lockText({ environment, chosen }: Choice, urlOf: UrlOf): string {
  const lines = ['lock-version = "1.0"'];
  if (environment !== undefined) {
    const { python_version: python, sys_platform, platform_machine, implementation_name } = environment.values;
    const conditions = Object.entries({ python_version: python, sys_platform, platform_machine, implementation_name });
    const marker = conditions.map(([name, value]) => `${name} == '${value}'`).join(' and ');
    lines.push(`environments = [${quoted(marker)}]`, `requires-python = ${quoted(`==${python}.*`)}`);
  }
  lines.push('created-by = "verbatim"');
  for (const [project, { release, files }] of [...chosen].sort(([one], [other]) => (one < other ? -1 : 1)))
    lines.push(
      '',
      '[[packages]]',
      `name = ${quoted(project)}`,
      `version = ${quoted(release.version)}`,
      ...tables(files, urlOf),
    );
  return `${lines.join('\n')}\n`;
}

/** Wheels, and the one sdist that a package may have. */
function tables(files: readonly OwnFile[], urlOf: UrlOf): readonly string[] {
  const sorted = files.toSorted((one, other) => (one.entry.filename < other.entry.filename ? -1 : 1));
  const wheels = sorted.filter(({ entry }) => entry.filename.endsWith('.whl'));
  const sdists = sorted.filter(({ entry }) => /\.(?:tar\.gz|zip)$/.test(entry.filename));
  return [
    ...sdists.slice(0, 1).flatMap((file) => ['[packages.sdist]', ...fields(file, urlOf)]),
    ...wheels.flatMap((file) => ['[[packages.wheels]]', ...fields(file, urlOf)]),
  ];
}

function fields(file: OwnFile, urlOf: UrlOf): readonly string[] {
  const { filename, size, digests } = file.entry;
  const hashes = [...digests].map(([algorithm, hex]) => `${algorithm} = ${quoted(hex)}`);
  return [
    `name = ${quoted(filename)}`,
    `url = ${quoted(urlOf(file))}`,
    ...(size === undefined ? [] : [`size = ${size}`]),
    `hashes = {${hashes.join(', ')}}`,
  ];
}

/** A basic string of TOML, which JSON's strings are. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
