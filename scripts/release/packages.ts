import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LICENCE = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i;

/** A package that lies in the program. */
export interface Packaged {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  /** As package-lock.json has it: SHA-512 in base64. */
  readonly integrity: string | undefined;
  /** Its own licence files, joined. */
  readonly text: string;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly integrity?: string }>>;
}

/** The packages that these modules are of, by name. Throws where one does not say under which licence it is. */
export function packagesOf(modules: readonly string[]): readonly Packaged[] {
  const places = new Set(modules.flatMap((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []));
  const lock: Lock = JSON.parse(readFileSync(`${ROOT}package-lock.json`, 'utf8'));
  return [...places].sort().map((place) => packageAt(place, lock));
}

function packageAt(place: string, lock: Lock): Packaged {
  const { name, version, license }: Manifest = JSON.parse(readFileSync(`${ROOT}${place}/package.json`, 'utf8'));
  if (license === undefined) throw new Error(`${name} does not say under which licence it is`);
  const files = readdirSync(`${ROOT}${place}`)
    .filter((file) => LICENCE.test(file))
    .sort();
  const text = files.map((file) => readFileSync(`${ROOT}${place}/${file}`, 'utf8').trim()).join('\n\n');
  return { name, version, licence: license, integrity: lock.packages[place]?.integrity, text };
}

/** What every licence of them asks for: its text with each copy. */
export function licenceTexts(packages: readonly Packaged[]): string {
  const own = readFileSync(`${ROOT}LICENSE`, 'utf8').trim();
  const parts = packages.map(
    ({ name, version, licence, text }) =>
      `${name} ${version} (${licence})\n\n${text === '' ? `License: ${licence}` : text}`,
  );
  return `${[`verbatim\n\n${own}`, ...parts].join(`\n\n${'-'.repeat(78)}\n\n`)}\n`;
}

/** CycloneDX 1.6 of the program and what lies in it; of equal content equal bytes. */
export function sbomOf(version: string, sha256: string, packages: readonly Packaged[]): string {
  const component = {
    type: 'application',
    'bom-ref': `verbatim@${version}`,
    name: 'verbatim',
    version,
    hashes: [{ alg: 'SHA-256', content: sha256 }],
    licenses: [{ license: { id: 'Apache-2.0' } }],
  };
  const components = packages.map(({ name, version: of, licence, integrity }) => ({
    type: 'library',
    'bom-ref': `pkg:npm/${name.replace('@', '%40')}@${of}`,
    name,
    version: of,
    ...(integrity?.startsWith('sha512-')
      ? {
          hashes: [
            { alg: 'SHA-512', content: Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex') },
          ],
        }
      : {}),
    licenses: [{ expression: licence }],
    purl: `pkg:npm/${name.replace('@', '%40')}@${of}`,
  }));
  const dependencies = [{ ref: component['bom-ref'], dependsOn: components.map((each) => each['bom-ref']) }];
  const bom = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component },
    components,
    dependencies,
  };
  return `${JSON.stringify(bom, undefined, 2)}\n`;
}
