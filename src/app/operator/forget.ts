import type { Digests } from '../../bytes/digest.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { BlobStorage } from '../../ports/blob-storage.ts';
import type { Pin } from '../../ports/index-state.ts';
import type { ForgetRequest, Forgotten } from '../control/requests.ts';
import { indexOf } from '../data-directory.ts';
import { audited } from './audited.ts';
import { type OperatorPlace, projectOf } from './place.ts';

/**
 * Drops the bytes that are held of a project's files and of their core metadata. Pins and pages stay: what comes in their place is
 * held to them. Throws Refusal.
 */
export async function forgetIn(place: OperatorPlace, request: ForgetRequest): Promise<Forgotten> {
  const { index, file, reason, dryRun } = request;
  indexOf(place.config, index);
  const project = projectOf(request.name);
  const state = await place.state(index);
  const pins = (await state.pins(project).read())?.value ?? new Map<string, Pin>();
  if (file !== undefined && !pins.has(file))
    throw new Refusal('unlisted', `No file ${file} of ${project} was ever seen here.`, { subject: 'request' });
  const named = file === undefined ? pins : new Map([...pins].filter(([name]) => name === file));
  const held = await heldOf(place.storage, named);
  if (!dryRun && held.length > 0) {
    const words = ['forget', project, file].filter((word) => word !== undefined).join(' ');
    await audited(state, place.now(), words, reason);
    for (const { sha256 } of held) await place.forget(sha256);
  }
  return { project, forgotten: held };
}

async function heldOf(storage: BlobStorage, pins: ReadonlyMap<string, Pin>): Promise<Forgotten['forgotten']> {
  const held: Forgotten['forgotten'][number][] = [];
  for (const [name, { digests, coreMetadata }] of pins)
    for (const [file, stated] of [
      [name, digests],
      [`${name}.metadata`, coreMetadata],
    ] as const) {
      const sha256 = await sha256Of(storage, stated);
      const facts = sha256 === undefined ? undefined : await storage.stat(sha256);
      if (sha256 !== undefined && facts !== undefined) held.push({ file, sha256, bytes: facts.size });
    }
  return held;
}

async function sha256Of(storage: BlobStorage, digests: Digests | undefined): Promise<string | undefined> {
  for (const [algorithm, hex] of digests ?? []) {
    const sha256 = algorithm === 'sha256' ? hex : await storage.alias(algorithm, hex);
    if (sha256 !== undefined) return sha256;
  }
  return undefined;
}
