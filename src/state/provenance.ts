import { z } from 'zod';
import type { KeptJudgement, KeptProvenance, KnownPublisher } from '../ports/provenance/kept.ts';
import type { Publisher } from '../provenance/publisher.ts';
import { encodeJson, parseJson } from './framed.ts';
import type { ItemKind } from './item.ts';
import { JUDGEMENTS } from './limits.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const Signer = z.strictObject({
  kind: z.string(),
  name: z.string(),
  id: z.string(),
  workflow: z.string().optional(),
  environment: z.string().optional(),
});
const Known = Signer.extend({ since: z.int(), by: z.enum(['first-sight', 'operator']) });
const Accepted = z.strictObject({ version: z.string(), reason: z.string(), at: z.int() });
const Judgement = z.discriminatedUnion('result', [
  // Whose it is: places in `of`, since the files of a project have few publishers.
  z.strictObject({
    result: z.literal('verified'),
    by: z.array(z.int()),
    unchecked: z.array(z.string()).readonly(),
  }),
  z.strictObject({ result: z.enum(['refused', 'unchecked']), why: z.string() }),
  z.strictObject({ result: z.literal('unavailable'), why: z.string(), lasting: z.boolean() }),
]);
const File = z.strictObject({
  name: z.string(),
  file: sha256,
  document: sha256.optional(),
  root: sha256,
  at: z.int(),
  judgement: Judgement,
});
const Kept = z.strictObject({
  since: z.int(),
  publishers: z.array(Known),
  accepted: z.array(Accepted).readonly(),
  of: z.array(Signer),
  files: z.array(File),
});

/** Judgements of provenance, and whom a project's files are expected from. */
export const PROVENANCE: ItemKind<KeptProvenance> = {
  what: 'who published the files of a project',
  encode({ since, publishers, accepted, files }) {
    const of = new Map<string, { readonly at: number; readonly publisher: Publisher }>();
    const placeOf = (publisher: Publisher) => {
      const key = JSON.stringify([
        publisher.kind,
        publisher.name,
        publisher.id,
        publisher.workflow,
        publisher.environment,
      ]);
      const known = of.get(key) ?? { at: of.size, publisher };
      of.set(key, known);
      return known.at;
    };
    const latest = [...files].sort(([, a], [, b]) => b.at - a.at).slice(0, JUDGEMENTS);
    const lines = latest.map(([name, { judgement, ...rest }]) => ({
      name,
      ...rest,
      judgement:
        judgement.result === 'verified'
          ? { result: judgement.result, by: judgement.publishers.map(placeOf), unchecked: judgement.unchecked }
          : judgement,
    }));
    return encodeJson({
      since,
      publishers,
      accepted,
      of: [...of.values()].map((each) => each.publisher),
      files: lines,
    });
  },
  decode(bytes) {
    const { data } = Kept.safeParse(parseJson(bytes));
    return data && complete(data);
  },
};

/** Undefined where a judgement names a publisher that is not there. */
function complete({ since, publishers, accepted, of, files }: z.infer<typeof Kept>): KeptProvenance | undefined {
  const known = of.map(whole);
  const judged = new Map<string, KeptJudgement>();
  for (const { name, document, judgement, ...rest } of files) {
    if (judgement.result !== 'verified') {
      judged.set(name, { ...rest, document, judgement });
      continue;
    }
    const found = judgement.by.map((at) => known[at]).filter((one) => one !== undefined);
    if (found.length < judgement.by.length) return undefined;
    const { result, unchecked } = judgement;
    judged.set(name, { ...rest, document, judgement: { result, publishers: found, unchecked } });
  }
  const expected: KnownPublisher[] = publishers.map(({ since: from, by, ...each }) => ({
    ...whole(each),
    since: from,
    by,
  }));
  return { since, publishers: expected, accepted, files: judged };
}

/** What JSON leaves out is said to be absent. */
function whole({ workflow, environment, ...rest }: z.infer<typeof Signer>): Publisher {
  return { ...rest, workflow, environment };
}
