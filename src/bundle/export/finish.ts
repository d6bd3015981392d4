import type { BundleBytes } from '../format/archive.ts';
import type { SigningKey } from '../format/keys.ts';
import { copyInto } from './copy.ts';
import { BUNDLE_NAME, pieceName } from './pieces.ts';
import type { BundleOutput, GrowingFile, NewBundle } from './places.ts';
import { REPORT_NAME, SBOM_NAME, SIGNATURE_NAME, SUMS_NAME, sumLine, writeHead } from './write.ts';

export interface Unfinished {
  readonly output: BundleOutput;
  readonly made: Pick<NewBundle, 'create'>;
  readonly keys: readonly SigningKey[];
  readonly head: GrowingFile;
  /** Of the body, in files of their own; 0 where it is in one with the head. */
  readonly pieces: number;
  readonly manifest: BundleBytes;
  readonly seal: BundleBytes | undefined;
  readonly report: BundleBytes;
  readonly sbom: BundleBytes;
}

/** The head before the body, and beside them what people and stock tools read. */
export async function finish(bundle: Unfinished): Promise<void> {
  const { output, made, keys, head, manifest, seal, pieces } = bundle;
  await writeHead(head, manifest, seal);
  const sums = [await sumLine(pieces === 0 ? BUNDLE_NAME : pieceName(0), head)];
  for (let piece = 1; piece <= pieces; piece++)
    sums.push(await sumLine(pieceName(piece), await output.written(pieceName(piece))));
  sums.push(await sumLine(REPORT_NAME, bundle.report), await sumLine(SBOM_NAME, bundle.sbom));
  const text = Buffer.from(sums.join(''));
  await (await made.create(SUMS_NAME)).append(text);
  const [key] = keys;
  const signature = key?.sign(text);
  if (signature !== undefined) await (await made.create(SIGNATURE_NAME)).append(signature);
  if (output.isFile) return;
  await beside(output, { report: bundle.report, sbom: bundle.sbom, sums: text, signature });
}

/** What lies beside a bundle in its directory. */
export async function beside(
  output: BundleOutput,
  files: {
    readonly report: BundleBytes;
    readonly sbom: BundleBytes;
    readonly sums: Uint8Array;
    readonly signature: Uint8Array | undefined;
  },
): Promise<void> {
  await copyInto(await output.create(REPORT_NAME), files.report);
  await copyInto(await output.create(SBOM_NAME), files.sbom);
  await (await output.create(SUMS_NAME)).append(files.sums);
  if (files.signature !== undefined) await (await output.create(SIGNATURE_NAME)).append(files.signature);
}
