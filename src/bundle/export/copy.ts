import { startSha256 } from '../../bytes/digest.ts';
import { type BundleBytes, chunksOf } from '../format/archive.ts';
import type { GrowingFile } from './places.ts';

export async function copyInto(to: GrowingFile, from: BundleBytes): Promise<void> {
  for await (const chunk of chunksOf(from, 0, from.size)) await to.append(chunk);
}

/** SHA-256 of a file, which is read. */
export async function digestOfFile(file: BundleBytes): Promise<string> {
  const hash = startSha256();
  for await (const chunk of chunksOf(file, 0, file.size)) hash.update(chunk);
  return hash.hex();
}

/** A small file of our own, whole. */
export async function wholeOf(file: BundleBytes): Promise<Buffer> {
  const into = Buffer.alloc(file.size);
  return into.subarray(0, await file.read(into, 0));
}
