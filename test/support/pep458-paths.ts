import { encodeRole } from '../../src/repository/documents.ts';

/** What PEP 458's layout has where: metadata by role (the path comes decoded), targets without their folder. */
export function pep458Paths(files: ReadonlyMap<string, Uint8Array>): { get(path: string): Uint8Array | undefined } {
  return {
    get(path) {
      const [, file] = /^metadata\/(.*)\.json$/s.exec(path) ?? [];
      if (file === undefined) return files.get(`targets/${path}`);
      return files.get(path) ?? files.get(`metadata/${encodeRole(file)}.json`);
    },
  };
}
