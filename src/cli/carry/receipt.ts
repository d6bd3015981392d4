import { resolve } from 'node:path';
import { compose } from '../../app/compose.ts';
import { indexOf } from '../../app/data-directory.ts';
import { noEvents } from '../../app/no-events.ts';
import { receiptHeading } from '../../bundle/export/receipt.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Config } from '../../config/config.ts';
import { claimFiles } from '../../disk/bundles/claim-files.ts';
import { nodeFileOps } from '../../disk/file-ops.ts';
import { print, printJson } from '../output.ts';
import { chosen } from './export.ts';

const OPEN_FILE = 0o644;

/** `verbatim receipt FILE`: what the store here holds, of whatever index, for the site that makes bundles of this one. */
export async function writeReceipt(
  config: Config,
  file: string,
  name: string | undefined,
  json: boolean,
): Promise<void> {
  if (name !== undefined) indexOf(config, name);
  const composition = await compose({ config, emit: noEvents, reading: true });
  try {
    const index = chosen(composition, name).name;
    const held: string[] = [];
    for await (const { sha256, size } of composition.operator.storage.list()) if (size !== undefined) held.push(sha256);
    const lines = [...new Set(held)].sort().map((sha256) => `${sha256}\n`);
    const bytes = Buffer.from([receiptHeading(index), ...lines].join(''));
    const path = resolve(file);
    if ((await claimFiles(nodeFileOps, [{ path, mode: OPEN_FILE, bytes }])) !== undefined)
      throw new Refusal('state', `${path} exists already: move it away, or name another.`, { subject: 'request' });
    if (json) printJson({ index, file: path, contents: lines.length });
    else
      print(
        `${path}: ${lines.length === 1 ? '1 content is' : `${lines.length} contents are`} held here. Outside: verbatim export … --receipt FILE`,
      );
  } finally {
    await composition.close();
  }
}
