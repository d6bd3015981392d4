import { Refusal } from '../../bytes/refusal.ts';

// RECORD in a wheel: a line for each file in it, `path,sha256=URLSAFE_BASE64,size` (PEP 376, PEP 427).

/** Digests in a RECORD are compared where they are of this kind, which every tool writes. */
const SHA256 = /^sha256=([A-Za-z0-9_-]+)=*$/;

/** Throws `digest` where RECORD states another digest than a member has, or a member that is not there. `sha256`: hex, by member. */
export function checkRecord(text: string, sha256: ReadonlyMap<string, string>): void {
  for (const line of text.split(/\r?\n/)) {
    const [path = '', stated = ''] = fieldsOf(line);
    const wanted = SHA256.exec(stated)?.[1];
    if (wanted === undefined) continue;
    const actual = sha256.get(path);
    if (actual === undefined) throw new Refusal('digest', `its RECORD lists ${path}, which is not in it`);
    if (Buffer.from(actual, 'hex').toString('base64url') !== wanted)
      throw new Refusal('digest', `its RECORD states another digest of ${path} than the file in it has`);
  }
}

/** The fields of one line of CSV; a field in quotes holds commas, and a quote doubled (RFC 4180). */
function fieldsOf(line: string): readonly string[] {
  if (!line.includes('"')) return line.split(',');
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  );
}
