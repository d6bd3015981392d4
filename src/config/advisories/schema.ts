import { z } from 'zod';
import { crossesNetworkInTheClear, filePath, seconds } from '../values.ts';

const ADDRESS = /^https?:\/\//i;
const action = z.enum(['report', 'hide', 'deny']);

/** What verbatim.yaml may say of advisories. */
export const advisories = z.strictObject({
  folder: filePath.optional().describe('A folder of advisories in the format of OSV, one in each .json file below it.'),
  archive: filePath.optional().describe('A zip of them, as OSV exports it.'),
  address: z
    .string()
    .refine(
      (text) => ADDRESS.test(text) && URL.canParse(text),
      'must be a URL such as https://feed.example/PyPI/all.zip',
    )
    .refine((text) => !crossesNetworkInTheClear(text), 'must begin with https://, but on this machine')
    .optional()
    .describe('Where such a zip is fetched from.'),
  carried: z
    .boolean()
    .default(false)
    .describe('They come in bundles that arrive by import, under a signature of import.keys.'),
  ca: filePath.optional().describe('Certificate authorities besides the usual ones, a PEM file, for the address.'),
  refresh: seconds(60, 7 * 86_400)
    .default(3600)
    .describe('Seconds after which it is looked at again.'),
  max_age: seconds(3600, 366 * 86_400)
    .default(3 * 86_400)
    .describe('Seconds since the newest change in it from which on a warning says that it is old.'),
  malware: action
    .default('deny')
    .describe(
      'What becomes of versions that are malware (MAL-…): deny = listed and refused; hide = left out of pages and refused; report = served and told.',
    ),
  vulnerable: action.default('report').describe('The same of versions with a known vulnerability.'),
  export: z.boolean().default(true).describe('Whether bundles that are made here carry them.'),
  not_of: z
    .array(z.string())
    .max(64)
    .default([])
    .describe('Indexes whose projects are not those of PyPI: a name there is another project.'),
});

/** Where advisories come from, and what they decide. */
export interface AdvisoriesConfig {
  readonly from:
    | { readonly folder: string }
    | { readonly archive: string }
    | { readonly address: string }
    | { readonly carried: true };
  readonly ca: string | undefined;
  /** Seconds. */
  readonly refresh: number;
  readonly maxAge: number;
  readonly malware: 'report' | 'hide' | 'deny';
  readonly vulnerable: 'report' | 'hide' | 'deny';
  /** Names of indexes. */
  readonly notOf: readonly string[];
  /** Whether bundles carry them; they do where nothing is said. */
  readonly export?: boolean | undefined;
}

type Parsed = z.output<typeof advisories>;

/** What is wrong with it as a whole; undefined where nothing is. */
export function advisoriesFault(given: Parsed, indexes: Iterable<string>): string | undefined {
  const places = [given.folder, given.archive, given.address, given.carried || undefined];
  if (places.filter((each) => each !== undefined).length !== 1)
    return 'needs one of folder, archive, address and carried';
  const known = new Set(indexes);
  const strange = given.not_of.find((name) => !known.has(name));
  return strange === undefined ? undefined : `speaks of the index ${strange} (not_of), and there is none of that name`;
}

export function toAdvisories({ folder, archive, address, ...given }: Parsed): AdvisoriesConfig {
  const { ca, refresh, max_age: maxAge, malware, vulnerable, not_of: notOf } = given;
  const from = placeOf({ folder, archive, address });
  return { from, ca, refresh, maxAge, malware, vulnerable, notOf, export: given.export };
}

function placeOf({
  folder,
  archive,
  address,
}: Pick<Parsed, 'folder' | 'archive' | 'address'>): AdvisoriesConfig['from'] {
  if (folder !== undefined) return { folder };
  if (archive !== undefined) return { archive };
  return address === undefined ? { carried: true } : { address };
}
