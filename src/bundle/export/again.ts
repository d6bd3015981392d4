import { Refusal } from '../../bytes/refusal.ts';
import type { BlobStorage } from '../../ports/blob-storage.ts';
import { memberBytes } from '../format/tar.ts';
import { copyInto, wholeOf } from './copy.ts';
import type { Exported, Progress } from './export.ts';
import { beside } from './finish.ts';
import { pieceName } from './pieces.ts';
import type { BundleOutput, ExportHistory, NewBundle, RememberedBundle } from './places.ts';
import { needed, readRemembered, writeBody, writeHead } from './write.ts';

export interface AgainRequest {
  readonly number: number;
  readonly history: ExportHistory;
  readonly storage: Pick<BlobStorage, 'open'>;
  readonly onProgress: (progress: Progress) => void;
  /** Called when it is written down, under the history's directory, which contents will be read. */
  readonly onCollected?: (() => Promise<void>) | undefined;
  /** The same of its bytes. */
  readonly onSized?: ((bytes: number) => Promise<void>) | undefined;
}

/** Makes a bundle that was made before once more, byte for byte. Throws Refusal where it is not remembered, or a file of it is held no longer. */
export async function exportAgain(request: AgainRequest, output: BundleOutput): Promise<Exported> {
  let remembered: RememberedBundle | undefined;
  let reading: NewBundle | undefined;
  try {
    remembered = await opened(request);
    reading = await request.history.begin();
    const state = await reading.create('state.jsonl');
    await copyInto(state, needed(remembered, 'state.jsonl'));
    await state.settle();
    await request.onCollected?.();
    return await remake(request, remembered, output);
  } catch (error) {
    await output.discard();
    throw error;
  } finally {
    await reading?.discard();
    await remembered?.close();
  }
}

async function opened({ history, number }: AgainRequest): Promise<RememberedBundle> {
  const remembered = await history.open(number);
  if (remembered !== undefined) return remembered;
  const numbers = await history.numbers();
  const there = numbers.length === 0 ? 'none is' : `there are ${numbers[0]} to ${numbers.at(-1)}`;
  throw new Refusal('unlisted', `Bundle ${number} is not remembered here: ${there}.`, { subject: 'request' });
}

async function remake(
  { storage, onProgress, onSized }: AgainRequest,
  remembered: RememberedBundle,
  output: BundleOutput,
): Promise<Exported> {
  const { header, pieces, sha256, entries } = await readRemembered(remembered);
  const { body } = header.totals;
  const [manifest, sealed] = [needed(remembered, 'manifest.jsonl'), remembered.file('seal.json')];
  const [report, sbom] = [needed(remembered, 'report.txt'), needed(remembered, 'sbom.cdx.json')];
  const sums = await wholeOf(needed(remembered, 'SHA256SUMS'));
  const head = memberBytes(manifest.size) + (sealed === undefined ? 0 : memberBytes(sealed.size));
  // Cut as it was; one file is one file.
  const isWhole = output.isFile || !sums.toString('latin1').includes(`  ${pieceName(0)}\n`);
  const sizes = isWhole ? [body] : pieces.map(({ size }) => size);
  await onSized?.(head + body);
  let bytes = 0;
  const written = await writeBody(
    entries(),
    {
      report,
      sbom,
      documents: needed(remembered, 'documents'),
      advisories: remembered.file('advisories.zip'),
      storage,
    },
    { output, cut: { isWhole, sizes }, headBytes: head },
    (more) => {
      bytes += more;
      onProgress({ phase: 'writing', bytes, of: body });
    },
  );
  await writeHead(written.head, manifest, sealed);
  const signature = remembered.file('SHA256SUMS.sig');
  if (!output.isFile) await beside(output, { report, sbom, sums, signature: signature && (await wholeOf(signature)) });
  const path = await output.commit();
  return {
    header,
    manifestSha256: sha256,
    signed: sealed !== undefined,
    pieces: isWhole ? 1 : sizes.length + 1,
    bytes: head + body,
    path,
  };
}
