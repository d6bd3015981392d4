import { z } from 'zod';
import type { ContentsOfProject } from '../../ports/contents/kept.ts';
import { encodeJson, parseJson } from '../framed.ts';
import type { ItemKind } from '../item.ts';
import { CONTENTS_FILES } from '../limits.ts';

const File = z.strictObject({
  name: z.string(),
  file: z.string().regex(/^[0-9a-f]{64}$/),
  at: z.int(),
  born: z.int(),
  licence: z
    .strictObject({
      expression: z.string().optional(),
      licence: z.string().optional(),
      classifiers: z.array(z.string()).readonly(),
    })
    .optional(),
  differs: z.array(z.string()).readonly().optional(),
  startup: z.array(z.string()).readonly().optional(),
});
const Contents = z.strictObject({ files: z.array(File) });

/** What was found in the files of a project. */
export const CONTENTS: ItemKind<ContentsOfProject> = {
  what: 'what was found in the files of a project',
  encode(files) {
    const latest = [...files].sort(([, a], [, b]) => b.at - a.at).slice(0, CONTENTS_FILES);
    return encodeJson({ files: latest.map(([name, kept]) => ({ name, ...kept })) });
  },
  decode(bytes) {
    const { data } = Contents.safeParse(parseJson(bytes));
    return data && new Map(data.files.map(({ name, ...kept }) => [name, kept]));
  },
  replaceable: true,
};
