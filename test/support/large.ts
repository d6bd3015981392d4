import { sha256Hex } from '../../src/bytes/digest.ts';

/** What PyPI says of one file, without what makes it one of a kind. */
function line(project: string, i: number): Readonly<Record<string, unknown>> {
  const version = `${1 + Math.floor(i / 100)}.${i % 100}`;
  const filename = `${project}-${version}-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl`;
  const at = sha256Hex(Buffer.from(`path ${i}`));
  return {
    filename,
    url: `https://files.example/packages/${at.slice(0, 2)}/${at.slice(2, 4)}/${at.slice(4)}/${filename}`,
    hashes: { sha256: sha256Hex(Buffer.from(`file ${i}`)) },
    size: 1000 + i,
    'upload-time': '2026-01-31T12:00:00.000000Z',
    'requires-python': '>=3.9',
    yanked: i % 7 === 0 ? 'broken' : false,
    'core-metadata': { sha256: sha256Hex(Buffer.from(`metadata ${i}`)) },
    provenance: `https://index.example/integrity/${project}/${version}/${filename}/provenance`,
  };
}

/** A project page as PyPI writes it: 8 MB of JSON for 10,000 files. */
export function largePage(project: string, files: number): Buffer {
  const lines = Array.from({ length: files }, (_, i) => line(project, i));
  return Buffer.from(JSON.stringify({ meta: { 'api-version': '1.4' }, name: project, versions: [], files: lines }));
}

/** A list of so many projects as PyPI writes it: 40 MB for 800,000. */
export function largeList(projects: number): Buffer {
  const names = Array.from({ length: projects }, (_, i) => ({ name: `project-of-somebody-${i}`, '_last-serial': i }));
  return Buffer.from(JSON.stringify({ meta: { 'api-version': '1.4' }, projects: names }));
}
