import { z } from 'zod';
import type { RequestAnswer } from '../ports/policy.ts';
import { encodeJson, parseJson } from './framed.ts';
import type { ItemKind } from './item.ts';

const Answer = z.strictObject({
  action: z.enum(['allow', 'deny']),
  version: z.string().optional(),
  file: z.string().optional(),
  rule: z.string().optional(),
  reason: z.string(),
  until: z.int().optional(),
  at: z.int(),
});
const Answers = z.strictObject({ answers: z.array(Answer).readonly() });

/** What operators answered to what was refused of a project; none once all of it is over. */
export const ANSWERS: ItemKind<readonly RequestAnswer[]> = {
  what: 'what operators answered to what was refused',
  encode: (answers) => encodeJson({ answers }),
  decode: (bytes) => Answers.safeParse(parseJson(bytes)).data?.answers,
};
