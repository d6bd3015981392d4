import type { Config } from '../config/config.ts';
import { compose } from './compose.ts';
import { print, printJson, say } from './output.ts';
import { quietEvents } from './quiet.ts';

/** `verbatim verify`: proves the stored trust and every stored file again. True where everything held. */
export async function verify(config: Config, json: boolean): Promise<boolean> {
  // Composing proves the stored signatures again from the pinned root; what fails there is thrown.
  const composition = await compose({ config, events: quietEvents });
  try {
    let said = 0;
    const result = await composition.blobs.verifyAll(({ blobs, bytes }) => {
      if (json || blobs < said + PROGRESS_EVERY) return;
      said = blobs;
      say(`${blobs} files, ${(bytes / 1e6).toFixed(0)} MB proved so far`);
    });
    if (json) printJson(result);
    else {
      for (const { name, evidence } of composition.indexes)
        print(
          evidence === 'tuf'
            ? `${name}: what is stored of its signatures holds, from the pinned root on.`
            : `${name}: signs nothing; its files are proved by the digests they are stored under.`,
        );
      print(
        `${result.blobs} stored files read (${(result.bytes / 1e6).toFixed(1)} MB): ${result.setAside.length} did not match and were set aside.`,
      );
      for (const name of result.setAside) print(`  set aside: ${name}`);
      if (result.setAside.length > 0) print('They are fetched and proved again when next asked for.');
    }
    return result.setAside.length === 0;
  } finally {
    await composition.close();
  }
}

const PROGRESS_EVERY = 500;
